// A report as one HTML file: pictures inside, no script, nothing fetched from elsewhere, so that it can
// be opened anywhere, mailed and printed. Names in it come from strangers: every one is escaped, and
// the page's own policy forbids all that could be slipped in.
import { VERSION } from "../../base/version.ts";
import { type Classes, contentsOf, type List, type Tile, TONES } from "./contents.ts";
import type { Figures } from "./figures.ts";
import { escaped, pictureHtml } from "./picture.ts";
import { showChange, showMoment, showValue } from "./text.ts";

const COLOURS = `
:root { color-scheme: light dark; --paper: #ffffff; --card: #f7f8fa; --ink: #1b1f24;
  --faint: #5e6773; --rule: #e1e5ea; --bar: #d7e3f6; --accent: #2f6fd0;
  --calm: #3b78d8; --good: #2a9d8f; --odd: #dd9a2f; --bad: #c23b4e;
  --worse: #8a63c9; --other: #a3766a; --plain: #7b8794; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --card: #1c2026; --ink: #e8eaed;
  --faint: #9aa4b1; --rule: #2f353d; --bar: #263b5c; --accent: #7fb0ff;
  --calm: #6ea3f5; --good: #5cc7b9; --odd: #f0b45f; --bad: #ee6b7c;
  --worse: #b596ee; --other: #cf9d8f; --plain: #9aa7b5; } }`;

const STYLE = `${COLOURS}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.2rem 1.6rem 3rem; max-width: 66rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header { border-bottom: 3px solid var(--accent); margin-bottom: 1.6rem; padding-bottom: .8rem; }
h1 { font-size: 1.7rem; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.05rem; margin: 0; }
header p, figcaption p, .about, footer { color: var(--faint); margin: .15rem 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr)); gap: .8rem;
  margin: 0 0 1.6rem; padding: 0; list-style: none; }
.tiles li { background: var(--card); border: 1px solid var(--rule); border-radius: .6rem; padding: .8rem 1rem; }
.tiles b { display: block; font-size: 1.65rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--faint); }
.tiles small { color: var(--faint); float: right; margin-top: .2rem; }
figure, section { background: var(--card); border: 1px solid var(--rule); border-radius: .6rem;
  margin: 0 0 1rem; padding: 1rem 1.1rem; break-inside: avoid; }
.picture { display: block; width: 100%; height: auto; margin-top: .7rem; }
.grid { stroke: var(--rule); stroke-width: 1; }
.tick { fill: var(--faint); font-size: 12.5px; font-family: inherit; }
.line { fill: none; stroke: var(--calm); stroke-width: 2; stroke-linejoin: round; }
.under { fill: var(--calm); opacity: .14; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.3rem; list-style: none; margin: .5rem 0 0; padding: 0; }
.legend b { font-weight: 600; font-variant-numeric: tabular-nums; margin-left: .3rem; }
.key { width: .75rem; height: .75rem; margin-right: .4rem; vertical-align: -.05rem; }
${TONES.map((tone) => `.${tone} { fill: var(--${tone}); }`).join("\n")}
.lists { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; }
.lists section { margin: 0; min-width: 0; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; margin-top: .6rem; }
td { padding: .22rem .4rem; border-top: 1px solid var(--rule); }
td:first-child { overflow-wrap: anywhere; padding-left: 0; }
td:nth-child(2) { width: 5.5rem; text-align: right; font-variant-numeric: tabular-nums; }
td:last-child { width: 6rem; padding-right: 0; }
.share { display: block; width: 100%; height: .55rem; }
.share rect { fill: var(--bar); } .share .part { fill: var(--calm); }
.none { color: var(--faint); margin: .6rem 0 0; }
footer { border-top: 1px solid var(--rule); margin-top: 1.6rem; padding-top: .7rem; font-size: .88rem; }
@media (max-width: 34rem) { .lists { grid-template-columns: 1fr; } td:last-child { display: none; } }
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --faint: #444; --rule: #bbb;
    --bar: #e4e4e4; --accent: #000;
    --calm: #3b78d8; --good: #2a9d8f; --odd: #dd9a2f; --bad: #c23b4e;
    --worse: #8a63c9; --other: #a3766a; --plain: #7b8794; }
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  * { print-color-adjust: exact; }
  .tiles { grid-template-columns: repeat(4, 1fr); } .lists { grid-template-columns: 1fr 1fr; }
}`;

function tileHtml(tile: Tile): string {
  const change = showChange(tile);
  const small = change === "" ? "" : `<small>${escaped(change)}</small>`;
  const value = escaped(showValue(tile.value, tile.unit));
  return `<li>${small}<b>${value}</b><span>${escaped(tile.name)}</span></li>`;
}

function rowHtml(name: string, count: number, most: number): string {
  const share = Math.max(1, Math.round((100 * count) / Math.max(1, most)));
  const bar = `<svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="8"/><rect class="part" width="${share}" height="8"/></svg>`;
  return `<tr><td>${escaped(name)}</td><td>${escaped(showValue(count, "count"))}</td><td>${bar}</td></tr>`;
}

function tableHtml(rows: List["rows"]): string {
  if (rows.length === 0) return `<p class="none">None.</p>`;
  const most = Math.max(...rows.map(([, count]) => count));
  return `<table>${rows.map(([name, count]) => rowHtml(name, count, most)).join("")}</table>`;
}

function listHtml({ title, rows, total }: List): string {
  const shown = rows.reduce((sum, [, count]) => sum + count, 0);
  const rest = total > shown ? ` and ${showValue(total - shown, "count")} more` : "";
  const about = total === 0 ? "" : `<p class="about">${showValue(shown, "count")} shown${rest}</p>`;
  return `<section><h2>${escaped(title)}</h2>${about}${tableHtml(rows)}</section>`;
}

function classesHtml({ title, about, rows }: Classes): string {
  return `<section><h2>${escaped(title)}</h2><p class="about">${escaped(about)}</p>${tableHtml(rows)}</section>`;
}

/** The page. */
export function reportPage(figures: Figures): string {
  const { tiles, pictures, classes, lists } = contentsOf(figures);
  const host = escaped(figures.hostname);
  const period = escaped(`${showMoment(figures.from)} to ${showMoment(figures.to)}`);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mail gateway ${host}, ${period}</title>
<style>${STYLE}
</style>
</head>
<body>
<header><h1>Mail gateway ${host}</h1><p>${period}</p></header>
<ul class="tiles">${tiles.map(tileHtml).join("\n")}</ul>
${pictures.map((picture) => pictureHtml(figures, picture)).join("\n")}
<div class="lists">
${[...lists.map(listHtml), ...classes.map(classesHtml)].join("\n")}
</div>
<footer>Made by gw ${escaped(VERSION)} at ${escaped(showMoment(figures.madeAt))}, times in the zone of the host. A message counts once for each group of recipients that was treated alike. Percentages compare with the period of the same length before.</footer>
</body>
</html>
`;
}
