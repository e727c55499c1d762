// Candidate passwords for what is encrypted in a message: those that are known to be usual, those the
// administrator lists, and the words of the message itself, since the attacker has to tell the
// recipient. Texts are only read when the first encrypted object turns up.

/** Candidates of one inspection. */
const CANDIDATES_MAX = 2000;
const PASSWORD_LENGTH_MAX = 64;
/** Texts are read up to here. */
const TEXT_LENGTH_MAX = 65_536;
const WORDS_PER_TEXT_MAX = 1000;
/** Words in all texts together. */
const WORDS_MAX = 4000;
/** Time for all trials of one inspection, and its share of the inspection's time. */
const TIME_MAX_MS = 5000;
const TIME_SHARE = 0.25;

/** What archives of samples and mass mailings are encrypted with. */
export const USUAL_PASSWORDS: readonly string[] = [
  ...["infected", "infect", "malware", "virus", "password", "Password", "passwd", "pass"],
  ...["1234", "12345", "123456", "123", "0000", "1111", "2024", "2025", "2026", "admin"],
  ...["secret", "test", "abc123", "qwerty", "VelvetSweatshop", "invoice", "document"],
];

/** Where candidates come from, beside the usual ones. */
export interface PasswordSources {
  /** The administrator's list. */
  readonly listed: readonly string[];
  /** Texts of the message, read each time a password is sought: more may have turned up. */
  texts(): Iterable<string>;
}

// "password: x", "Passwort lautet x", "mot de passe : x" … in the languages that such mail comes in.
const CUE =
  /(?:pass(?:\s?(?:word|code|phrase|wort)|w)?|pwd?|pw|pin|code|key|kennwort|mot\s+de\s+passe|mdp|contrase(?:ñ|n)a|clave|senha|has(?:ł|l)o|heslo|jelsz(?:ó|o)|parola|wachtwoord|l(?:ö|o)senord|adgangskode|salasana|parool|пароль|密码|密碼|パスワード|비밀번호|şifre|sifre)(?:\s+(?:is|ist|lautet|for|für|est|es|to|open|the|file|attachment|archive|zip|é|è|del?|do)){0,4}\s*[:：=\-–>]{0,3}\s*["'“”„«‘’`([]{0,2}\s*([^\s"“”„»<>]{1,64})/giu;

/** The candidates of one inspection, likeliest first. */
export class Passwords {
  readonly #sources: PasswordSources;
  readonly #timeMaxMs: number;
  readonly #steady: () => number;
  readonly #opened: string[] = [];
  #spentMs = 0;

  /** All trials of the inspection together take a part of the time it has, and not more. */
  constructor(
    sources: PasswordSources,
    limits: { readonly timeMaxMs: number },
    steady: () => number,
  ) {
    this.#sources = sources;
    this.#timeMaxMs = Math.min(TIME_MAX_MS, limits.timeMaxMs * TIME_SHARE);
    this.#steady = steady;
  }

  /**
   * The first candidate for which `open` gives something, with what it gave; undefined if none
   * does, or time is up. Those in `first` are tried before all others.
   */
  find<Opened>(
    open: (password: string) => Opened | undefined,
    first: readonly string[] = [],
  ): { readonly password: string; readonly opened: Opened } | undefined {
    const startedAt = this.#steady();
    const deadline = startedAt + this.#timeMaxMs - this.#spentMs;
    try {
      for (const password of this.#candidates(first)) {
        if (this.#steady() > deadline) return;
        const opened = open(password);
        if (opened === undefined) continue;
        if (!this.#opened.includes(password)) this.#opened.unshift(password);
        return { password, opened };
      }
      return;
    } finally {
      this.#spentMs += this.#steady() - startedAt;
    }
  }

  // What opened one object probably opens the next: texts are read only if it does not.
  *#candidates(first: readonly string[]): Generator<string> {
    const before = new Set([...first, ...this.#opened]);
    yield* before;
    for (const word of this.#words()) if (!before.has(word)) yield word;
  }

  #words(): Set<string> {
    const { listed, texts } = this.#sources;
    const found = new Set<string>();
    const told: string[] = [];
    const words: string[] = [];
    for (const text of texts.call(this.#sources)) {
      if (words.length > WORDS_MAX) break;
      const cut = text.slice(0, TEXT_LENGTH_MAX);
      for (const [, word = ""] of cut.matchAll(CUE)) told.push(...variants(word));
      for (const word of wordsOf(cut)) words.push(...variants(word));
    }
    for (const word of [...told, ...listed, ...USUAL_PASSWORDS, ...words]) {
      if (word === "" || word.length > PASSWORD_LENGTH_MAX) continue;
      found.add(word);
      if (found.size >= CANDIDATES_MAX) break;
    }
    return found;
  }
}

// Words with digits or signs in them are likelier than plain ones.
function wordsOf(text: string): string[] {
  const words = text.split(/\s+/, WORDS_PER_TEXT_MAX);
  const isOdd = (word: string) => /\d|[^\p{L}]\p{L}/u.test(word);
  return [...words.filter(isOdd), ...words.filter((word) => !isOdd(word))];
}

// As written, without the quotes or brackets around it, and without the full stop behind it.
function variants(word: string): string[] {
  const bare = word.replace(/^[\s"'“”„«»‘’`([{<]+|[\s"'“”„«»‘’`)\]}>]+$/gu, "");
  const short = bare.replace(/[.,;:!?]+$/u, "").replace(/["'“”«»’`)\]}]+$/u, "");
  return [...new Set([short, bare, word])];
}

/**
 * The passwords in a list: one a line, blank lines and lines that begin with "#" left out. Lines of
 * ClamAV's .pwdb files (`name;target;0;password`, `1` for hexadecimal) are understood as well.
 */
export function parsePasswordList(text: string): string[] {
  const passwords: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const row = /^[^;]+;[^;]*;([01]);(.*)$/.exec(line);
    if (row === null) passwords.push(line);
    else if (row[1] === "0") passwords.push(row[2] as string);
    else passwords.push(Buffer.from(row[2] as string, "hex").toString("utf8"));
    if (passwords.length >= CANDIDATES_MAX) break;
  }
  return passwords;
}
