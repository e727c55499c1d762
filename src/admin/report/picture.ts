// Pictures of a report as SVG inside a page: no script, no styles of their own, all text escaped. Colours
// come from the page's classes, so that they are right in the light, in the dark and on paper.
import { escapeHtml } from "../../text/html.ts";
import { printable } from "../../text/printable.ts";
import type { Picture } from "./contents.ts";
import type { Figures } from "./figures.ts";
import { showMoment, showValue } from "./text.ts";

const WIDTH = 960;
const HEIGHT = 230;
const LEFT = 62;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 28;
const TICKS = 4;
const LABELS_MAX = 8;
const LABEL_WIDTH = 100;

/** Text as it may stand in HTML; what could turn a line round or hide is made visible. */
export function escaped(text: string): string {
  return escapeHtml(printable(text)).replaceAll("'", "&#39;");
}

// The least of 1, 2, 5, 10, 20 … that the highest value has room under, in four steps.
function stepFor(most: number, unit: Picture["unit"]): number {
  if (unit === "seconds" && most > 60) {
    const steps = [60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400];
    const found = steps.find((step) => step * TICKS >= most);
    return found ?? Math.ceil(most / TICKS / 86_400) * 86_400;
  }
  const rough = Math.max(1, most) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough);
  return Math.max(1, step ?? rough);
}

function labelOf(at: number, span: Figures["span"]): string {
  const moment = showMoment(at);
  return span === "day"
    ? moment.slice(0, 10)
    : span === "hour"
      ? moment.slice(5)
      : moment.slice(11);
}

const number = (value: number) => String(Math.round(value * 10) / 10);

interface Frame {
  readonly top: number;
  readonly x: (index: number) => number;
  readonly y: (value: number) => number;
  readonly width: number;
}

function frameOf(picture: Picture, length: number): Frame & { readonly step: number } {
  const sums = Array.from({ length }, (_, index) =>
    picture.rows.reduce((sum, { values }) => sum + (values[index] ?? 0), 0),
  );
  const step = stepFor(Math.max(0, ...sums), picture.unit);
  const top = step * TICKS;
  const width = (WIDTH - LEFT - RIGHT) / Math.max(1, length);
  const tall = HEIGHT - TOP - BOTTOM;
  return {
    ...{ step, top, width },
    x: (index) => LEFT + index * width,
    y: (value) => TOP + tall - (Math.min(value, top) / top) * tall,
  };
}

function axes(figures: Figures, picture: Picture, frame: Frame & { step: number }): string {
  const { course, span } = figures;
  let svg = "";
  for (let tick = 0; tick <= TICKS; tick++) {
    const value = tick * frame.step;
    const y = number(frame.y(value));
    const text = escaped(showValue(value, picture.unit));
    svg += `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/>`;
    svg += `<text class="tick" x="${LEFT - 8}" y="${y}" dy="0.35em" text-anchor="end">${text}</text>`;
  }
  const room = Math.ceil(LABEL_WIDTH / frame.width);
  const every = Math.max(1, Math.ceil(course.length / LABELS_MAX), room);
  for (let index = 0; index < course.length; index += every) {
    const x = frame.x(index) + frame.width / 2;
    // The first and the last label stay inside of the picture.
    if (x + LABEL_WIDTH / 2 > WIDTH + RIGHT) continue;
    const text = escaped(labelOf(course[index]?.at ?? 0, span));
    svg += `<text class="tick" x="${number(x)}" y="${HEIGHT - 8}" text-anchor="middle">${text}</text>`;
  }
  return svg;
}

// Bars on top of each other; a tooltip tells the figures of the stretch.
function bars(figures: Figures, picture: Picture, frame: Frame): string {
  const gap = frame.width > 4 ? Math.min(3, frame.width * 0.2) : 0;
  let svg = "";
  for (const [index, { at }] of figures.course.entries()) {
    let base = 0;
    let rects = "";
    const told = [showMoment(at)];
    for (const { name, tone, values } of picture.rows) {
      const value = values[index] ?? 0;
      if (value === 0) continue;
      const [low, high] = [frame.y(base), frame.y(base + value)];
      const box = `x="${number(frame.x(index) + gap / 2)}" y="${number(high)}" width="${number(Math.max(0.5, frame.width - gap))}" height="${number(Math.max(0.5, low - high))}"`;
      rects += `<rect class="${tone}" ${box}/>`;
      told.push(`${name} ${showValue(value, picture.unit)}`);
      base += value;
    }
    if (rects !== "") svg += `<g><title>${escaped(told.join(", "))}</title>${rects}</g>`;
  }
  return svg;
}

function line(figures: Figures, picture: Picture, frame: Frame): string {
  const values = picture.rows[0]?.values ?? [];
  const points = figures.course.map((_, index) => {
    const x = frame.x(index) + frame.width / 2;
    return `${number(x)},${number(frame.y(values[index] ?? 0))}`;
  });
  const [first = "", last = ""] = [points[0], points.at(-1)].map((point) => point?.split(",")[0]);
  const floor = number(frame.y(0));
  return (
    `<polygon class="under" points="${first},${floor} ${points.join(" ")} ${last},${floor}"/>` +
    `<polyline class="line" points="${points.join(" ")}"/>`
  );
}

/** One picture with its title and legend. */
export function pictureHtml(figures: Figures, picture: Picture): string {
  const frame = frameOf(picture, figures.course.length);
  const drawn = picture.kind === "bars" ? bars : line;
  const legend = picture.rows.map(({ name, tone, values }) => {
    const sum = values.reduce((all, value) => all + value, 0);
    const count = picture.kind === "bars" ? ` ${showValue(sum, picture.unit)}` : "";
    return `<li><svg class="key" viewBox="0 0 10 10" aria-hidden="true"><rect class="${tone}" width="10" height="10" rx="2"/></svg>${escaped(name)}<b>${count}</b></li>`;
  });
  return `<figure>
<figcaption><h2>${escaped(picture.title)}</h2><p>${escaped(picture.about)}</p></figcaption>
<svg class="picture" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(picture.title)}">
${axes(figures, picture, frame)}${drawn(figures, picture, frame)}
</svg>
${picture.kind === "bars" ? `<ul class="legend">${legend.join("")}</ul>` : ""}
</figure>`;
}
