// Formulas of the old Excel formats as text: tokens in reverse Polish order, [MS-XLS] 2.2.2.
// Made to be searched: what is unknown is shown as such, and nothing is calculated.

// Real formulas have up to 8,192 characters; these bounds are for made-up ones.
const TOKENS_MAX = 10_000;
const TEXT_MAX = 65_536;
const STACK_MAX = 1000;

/** Operators by token, from 3 on. */
const BINARY = ["+", "-", "*", "/", "^", "&", "<", "<=", "=", ">=", ">", "<>", " ", ",", ":"];
/** Errors by number. [MS-XLS] BErr */
const ERRORS: Readonly<Record<number, string>> = {
  0: "#NULL!",
  7: "#DIV/0!",
  15: "#VALUE!",
  23: "#REF!",
  29: "#NAME?",
  36: "#NUM!",
  42: "#N/A",
};
const USER_FUNCTION = 255;
const COMMAND_FLAG = 0x8000;

// [MS-XLS] Ftab: functions by number; "-" is one that does not occur in macros.
const FUNCTIONS =
  `COUNT IF ISNA ISERROR SUM AVERAGE MIN MAX ROW COLUMN NA NPV STDEV DOLLAR FIXED SIN
COS TAN ATAN PI SQRT EXP LN LOG10 ABS INT SIGN ROUND LOOKUP INDEX REPT MID LEN VALUE TRUE FALSE AND
OR NOT MOD DCOUNT DSUM DAVERAGE DMIN DMAX DSTDEV VAR DVAR TEXT LINEST TREND LOGEST GROWTH GOTO HALT
RETURN PV FV NPER PMT RATE MIRR IRR RAND MATCH DATE TIME DAY MONTH YEAR WEEKDAY HOUR MINUTE SECOND
NOW AREAS ROWS COLUMNS OFFSET ABSREF RELREF ARGUMENT SEARCH TRANSPOSE ERROR STEP TYPE ECHO SET.NAME
CALLER DEREF WINDOWS SERIES DOCUMENTS ACTIVE.CELL SELECTION RESULT ATAN2 ASIN ACOS CHOOSE HLOOKUP
VLOOKUP LINKS INPUT ISREF GET.FORMULA GET.NAME SET.VALUE LOG EXEC CHAR LOWER UPPER PROPER LEFT RIGHT
EXACT TRIM REPLACE SUBSTITUTE CODE NAMES DIRECTORY FIND CELL ISERR ISTEXT ISNUMBER ISBLANK T N FOPEN
FCLOSE FSIZE FREADLN FREAD FWRITELN FWRITE FPOS DATEVALUE TIMEVALUE SLN SYD DDB GET.DEF REFTEXT
TEXTREF INDIRECT REGISTER CALL ADD.BAR ADD.MENU ADD.COMMAND ENABLE.COMMAND CHECK.COMMAND
RENAME.COMMAND SHOW.BAR DELETE.MENU DELETE.COMMAND GET.CHART.ITEM DIALOG.BOX CLEAN MDETERM MINVERSE
MMULT FILES IPMT PPMT COUNTA CANCEL.KEY FOR WHILE BREAK NEXT INITIATE REQUEST POKE EXECUTE TERMINATE
RESTART HELP GET.BAR PRODUCT FACT GET.CELL GET.WORKSPACE GET.WINDOW GET.DOCUMENT DPRODUCT ISNONTEXT
GET.NOTE NOTE STDEVP VARP DSTDEVP DVARP TRUNC ISLOGICAL DCOUNTA DELETE.BAR UNREGISTER - - USDOLLAR
FINDB SEARCHB REPLACEB LEFTB RIGHTB MIDB LENB ROUNDUP ROUNDDOWN ASC DBCS RANK - - ADDRESS DAYS360
TODAY VDB ELSE ELSE.IF END.IF FOR.CELL MEDIAN SUMPRODUCT SINH COSH TANH ASINH ACOSH ATANH DGET
CREATE.OBJECT VOLATILE LAST.ERROR CUSTOM.UNDO CUSTOM.REPEAT FORMULA.CONVERT GET.LINK.INFO TEXT.BOX
INFO GROUP GET.OBJECT DB PAUSE - - RESUME FREQUENCY ADD.TOOLBAR DELETE.TOOLBAR - RESET.TOOLBAR
EVALUATE GET.TOOLBAR GET.TOOL SPELLING.CHECK ERROR.TYPE APP.TITLE WINDOW.TITLE SAVE.TOOLBAR
ENABLE.TOOL PRESS.TOOL REGISTER.ID GET.WORKBOOK AVEDEV`.split(/\s+/);
/** Numbers from 270 on are mostly statistics. */
const LATER_FUNCTIONS: Readonly<Record<number, string>> = {
  336: "CONCATENATE",
  337: "POWER",
  344: "SUBTOTAL",
  345: "SUMIF",
  346: "COUNTIF",
  347: "COUNTBLANK",
  354: "ROMAN",
  355: "OPEN.DIALOG",
  356: "SAVE.DIALOG",
  359: "HYPERLINK",
};

// Functions whose number of arguments is fixed have it nowhere in the formula; most have one.
const FIXED_ARGUMENTS: Readonly<Record<string, number>> = Object.fromEntries(
  [
    "NA PI TRUE FALSE RAND NOW CALLER BREAK NEXT TODAY ELSE END.IF",
    "",
    "ROUND REPT MOD TEXT ABSREF RELREF ATAN2 SET.VALUE EXACT FREAD FWRITELN FWRITE MMULT INITIATE" +
      " REQUEST EXECUTE ROUNDUP ROUNDDOWN FREQUENCY POWER COUNTIF",
    "MID DCOUNT DSUM DAVERAGE DMIN DMAX DSTDEV DVAR MIRR DATE TIME SLN POKE DPRODUCT DSTDEVP DVARP" +
      " DCOUNTA MIDB DGET",
    "REPLACE SYD REPLACEB",
  ].flatMap((names, count) => names.split(" ").map((name) => [name, count])),
);

// [MS-XLS] Cetab: commands that a macro may run, by number.
const COMMANDS: ReadonlyMap<number, string> = new Map(
  `0 BEEP 1 OPEN 2 OPEN.LINKS 3 CLOSE.ALL 4 SAVE 5 SAVE.AS 6 FILE.DELETE 7 PAGE.SETUP 8 PRINT 10 QUIT
11 NEW.WINDOW 13 WINDOW.SIZE 14 WINDOW.MOVE 15 FULL 16 CLOSE 17 RUN 28 PROTECT.DOCUMENT 31
CALCULATE.NOW 32 CALCULATION 42 FORMAT.NUMBER 43 ALIGNMENT 47 COLUMN.WIDTH 48 UNDO 49 CUT 50 COPY 51
PASTE 52 CLEAR 53 PASTE.SPECIAL 54 EDIT.DELETE 55 INSERT 56 FILL.RIGHT 57 FILL.DOWN 61 DEFINE.NAME
62 CREATE.NAMES 63 FORMULA.GOTO 64 FORMULA.FIND 93 HIDE 94 UNHIDE 95 WORKSPACE 96 FORMULA 97
FORMULA.FILL 98 FORMULA.ARRAY 103 ACTIVATE 109 SELECT 110 DELETE.NAME 118 ALERT 119 NEW 120
CANCEL.COPY 122 MESSAGE 124 PASTE.LINK 125 APP.ACTIVATE 127 ROW.HEIGHT 130 FORMULA.REPLACE 131
SEND.KEYS 138 ON.WINDOW 139 ON.DATA 140 DISABLE.INPUT 141 ECHO 143 LIST.NAMES 144 FILE.CLOSE 145
SAVE.WORKBOOK 148 ON.TIME 149 WAIT 154 NOTE 163 WINDOW.RESTORE 164 WINDOW.MAXIMIZE 165 ERROR 166
CHANGE.LINK 167 CALCULATE.DOCUMENT 168 ON.KEY 169 APP.RESTORE 170 APP.MOVE 171 APP.SIZE 172
APP.MINIMIZE 173 APP.MAXIMIZE 188 OPEN.MAIL 189 SEND.MAIL 201 UPDATE.LINK 227 ON.RECALC 259
INSERT.OBJECT 260 WINDOW.MINIMIZE 279 ON.DOUBLECLICK 280 ON.ENTRY 281 WORKBOOK.ADD 282 WORKBOOK.MOVE
283 WORKBOOK.COPY 291 WORKBOOK.SELECT 292 WORKBOOK.ACTIVATE 302 WORKBOOK.NEW 321 ADDIN.MANAGER 324
VBA.ACTIVATE 328 VBA.INSERT.FILE 342 INSERT.PICTURE 354 WORKBOOK.INSERT 383 WORKBOOK.HIDE 384
WORKBOOK.UNHIDE 385 WORKBOOK.DELETE 386 WORKBOOK.NAME 395 SHOW.DIALOG 417 WORKBOOK.PROTECT 441
OPEN.TEXT 455 SET.CONTROL.VALUE 456 SAVE.COPY.AS 471 ON.SHEET 475 FIND.FILE 478 VBA.MAKE.ADDIN 667
NEWWEBQUERY`
    .split(/(?:^|\s+)(?=\d)/)
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [number = "", name = ""] = pair.split(/\s+/);
      return [Number(number), name] as const;
    }),
);

/** A string in a record, and where it ends. */
export interface BiffText {
  readonly text: string;
  readonly end: number;
}

/** `length` characters behind a byte of flags at `at`. [MS-XLS] 2.5.294 */
export function unicodeText(data: Buffer, at: number, length: number): BiffText {
  const isWide = ((data[at] ?? 0) & 1) !== 0;
  const end = Math.min(data.length, at + 1 + length * (isWide ? 2 : 1));
  return { text: data.toString(isWide ? "utf16le" : "latin1", Math.min(at + 1, end), end), end };
}

/** A string with its length in one byte in front; without flags in BIFF5. [MS-XLS] 2.5.240 */
export function shortText(data: Buffer, at: number, isBiff8: boolean): BiffText {
  const length = data[at] ?? 0;
  if (isBiff8) return unicodeText(data, at + 1, length);
  const end = Math.min(data.length, at + 1 + length);
  return { text: data.toString("latin1", Math.min(at + 1, end), end), end };
}

/** What formulas refer to. */
export interface FormulaContext {
  readonly isBiff8: boolean;
  /** The book's defined names; a formula counts them from 1. */
  readonly names: readonly string[];
}

/** A formula as text. Never throws; what cannot be read ends it. */
export function formulaText(tokens: Buffer, context: FormulaContext): string {
  const stack: string[] = [];
  let at = 0;
  for (let count = 0; at < tokens.length && count < TOKENS_MAX; count++) {
    const end = token(tokens, at, { ...context, stack });
    if (end === undefined || stack.length > STACK_MAX) {
      stack.push("…");
      break;
    }
    at = end;
  }
  return stack.join(" ");
}

/** The stack on which the text is put together. */
interface Machine extends FormulaContext {
  readonly stack: string[];
}

// Repeated doubling of what is on the stack would make a bomb out of a few tokens.
function push({ stack }: Machine, text: string): void {
  stack.push(text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text);
}

// Puts one token onto the stack; where it ends, or undefined for one that cannot be read.
function token(tokens: Buffer, at: number, machine: Machine): number | undefined {
  const code = tokens[at] as number;
  // References and functions exist in three classes, which only matter for calculation.
  const base = code < 0x20 ? code : (code & 0x1f) | 0x20;
  const { stack } = machine;
  if (base >= 0x03 && base <= 0x11) {
    const right = stack.pop() ?? "";
    push(machine, `${stack.pop() ?? ""}${BINARY[base - 3]}${right}`);
    return at + 1;
  }
  if (base >= 0x12 && base <= 0x15) {
    const inner = stack.pop() ?? "";
    push(machine, [`+${inner}`, `-${inner}`, `${inner}%`, `(${inner})`][base - 0x12] ?? inner);
    return at + 1;
  }
  if (base < 0x20) return constant(tokens, at, machine);
  return base < NAME
    ? call(tokens, { at, base }, machine)
    : reference(tokens, { at, base }, machine);
}

// Tokens below 0x20: values, and marks that leave nothing behind.
function constant(tokens: Buffer, at: number, machine: Machine): number | undefined {
  switch (tokens[at]) {
    case 0x01: // A formula shared by several cells.
    case 0x02:
      return at + 5;
    case 0x16:
      push(machine, "");
      return at + 1;
    case 0x17: {
      const { text, end } = shortText(tokens, at + 1, machine.isBiff8);
      push(machine, `"${text}"`);
      return end;
    }
    case 0x18:
      return at + 6;
    case 0x19:
      return attribute(tokens, at, machine);
    case 0x1c:
      push(machine, ERRORS[tokens[at + 1] ?? 0] ?? "#ERROR");
      return at + 2;
    case 0x1d:
      push(machine, tokens[at + 1] === 0 ? "FALSE" : "TRUE");
      return at + 2;
    case 0x1e:
      if (at + 3 > tokens.length) return;
      push(machine, String(tokens.readUInt16LE(at + 1)));
      return at + 3;
    case 0x1f:
      if (at + 9 > tokens.length) return;
      push(machine, String(tokens.readDoubleLE(at + 1)));
      return at + 9;
    default:
      return;
  }
}

// [MS-XLS] PtgAttr…: jumps and spaces, of which only SUM can be seen.
function attribute(tokens: Buffer, at: number, machine: Machine): number | undefined {
  if (at + 4 > tokens.length) return;
  const flags = tokens[at + 1] as number;
  const value = tokens.readUInt16LE(at + 2);
  if ((flags & 0x10) !== 0) push(machine, `SUM(${machine.stack.pop() ?? ""})`);
  return at + 4 + ((flags & 0x04) === 0 ? 0 : (value + 1) * 2);
}

interface At {
  readonly at: number;
  readonly base: number;
}

// Functions take their arguments off the stack; only those of varying number tell how many.
function call(tokens: Buffer, { at, base }: At, machine: Machine): number | undefined {
  if (base === 0x20) {
    push(machine, "{array}");
    return at + 8;
  }
  const size = base === 0x21 ? 3 : 4;
  if (at + size > tokens.length) return;
  const number = tokens.readUInt16LE(at + size - 2);
  const name = functionName(number);
  const count = base === 0x21 ? (FIXED_ARGUMENTS[name] ?? 1) : (tokens[at + 1] as number) & 0x7f;
  const found = machine.stack.splice(Math.max(0, machine.stack.length - count));
  // A function of the user's, of a library or of another sheet has its name as its first argument.
  const called = number === USER_FUNCTION ? (found.shift() ?? "") : name;
  push(machine, `${called}(${found.join(",")})`);
  return at + size;
}

// Functions calculate, commands act: both are called alike, and told apart by the highest bit.
function functionName(number: number): string {
  if ((number & COMMAND_FLAG) !== 0) {
    const command = number & 0x7fff;
    return COMMANDS.get(command) ?? `COMMAND.${command}`;
  }
  const name = FUNCTIONS[number] ?? LATER_FUNCTIONS[number] ?? "-";
  return name === "-" ? `FUNCTION.${number}` : name;
}

/** Sizes of reference tokens without the code: in BIFF8, and in BIFF5. */
const REFERENCES: Readonly<Record<number, readonly [number, number]>> = {
  35: [4, 14],
  36: [4, 3],
  37: [8, 6],
  38: [6, 6],
  39: [6, 6],
  40: [6, 6],
  41: [2, 2],
  42: [4, 3],
  43: [8, 6],
  44: [4, 3],
  45: [8, 6],
  57: [6, 24],
  58: [6, 17],
  59: [10, 20],
  60: [6, 17],
  61: [10, 20],
};
// Codes in their first class; the gaps are areas that no longer exist and notes for recalculation.
const NAME = 35;
const CELL = 36;
const AREA = 37;
const CELL_RELATIVE = 44;
const NAME_ELSEWHERE = 57;
const CELL_ELSEWHERE = 58;
const AREA_ELSEWHERE = 59;

// References have fixed sizes. Those into other sheets begin with a number for the sheet, which is
// left out of the text: what is called matters, and not where it stands.
function reference(tokens: Buffer, { at, base }: At, machine: Machine): number | undefined {
  const { isBiff8, names } = machine;
  const size = REFERENCES[base]?.[isBiff8 ? 0 : 1];
  if (size === undefined || at + 1 + size > tokens.length) return;
  const end = at + 1 + size;
  const start = base >= NAME_ELSEWHERE ? at + (isBiff8 ? 3 : 15) : at + 1;
  switch (base) {
    case NAME:
      push(machine, names[tokens.readUInt16LE(start) - 1] ?? `NAME.${tokens.readUInt16LE(start)}`);
      break;
    case CELL:
    case CELL_RELATIVE:
    case CELL_ELSEWHERE:
      push(machine, cellName(tokens, { start, step: 2 }, isBiff8));
      break;
    case AREA:
    case AREA_ELSEWHERE: {
      const first = cellName(tokens, { start, step: 4 }, isBiff8);
      const last = cellName(tokens, { start: start + 2, step: isBiff8 ? 4 : 3 }, isBiff8);
      push(machine, `${first}:${last}`);
      break;
    }
    case NAME_ELSEWHERE:
      push(machine, `NAME.${tokens.readUInt16LE(start)}`);
      break;
    // The memory tokens come in front of what they describe.
    case 38:
    case 39:
    case 40:
    case 41:
      break;
    default:
      push(machine, "#REF!");
  }
  return end;
}

// Row, then column: two bytes in BIFF8 and one in BIFF5; the flags say what is relative.
function cellName(
  tokens: Buffer,
  { start, step }: { readonly start: number; readonly step: number },
  isBiff8: boolean,
): string {
  const row = tokens.readUInt16LE(start) & (isBiff8 ? 0xffff : 0x3fff);
  const column = tokens[start + step] ?? 0;
  return `${columnName(column)}${row + 1}`;
}

/** A column's letters as Excel shows them, from 0: A, B … Z, AA … */
export function columnName(column: number): string {
  const first = column < 26 ? "" : String.fromCharCode(64 + (Math.floor(column / 26) % 27));
  return first + String.fromCharCode(65 + (column % 26));
}
