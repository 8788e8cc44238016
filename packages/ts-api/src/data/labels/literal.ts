/** What a cell says in JSON, in Python's notation or in numpy's. */
export type Literal = string | number | boolean | null | Literal[] | { [key: string]: Literal };

/** How a list, a tuple, a set, a dict or an array begins; a name in brackets, such as `(other)`, is a name. */
const OPENING =
  /^(?:\[|\{|\((?=\s*(?:\)|['"\d.+-]|[^()]*,))|(?:(?:np|numpy)\.)?array\s*\(|(?:frozen)?set\s*\(|tensor\s*\()/;
const CLOSING = /[\])}]$/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const WORDS: Readonly<Record<string, Literal>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  null: null,
  None: null,
  nan: null,
  NaN: null,
};

/** Whether a cell of text is a list, a tuple, a set, a dict or an array. */
export function looksLikeLiteral(text: string): boolean {
  const trimmed = text.trim();
  return CLOSING.test(trimmed) && OPENING.test(trimmed);
}

/**
 * Reads JSON (`["a", "b"]`, `{"a": 1}`), Python (`['a']`, `("a",)`, `{'a', 'b'}`, `{'a': True}`) and numpy
 * (`[0 1 0]`, `array(['a', 'b'], dtype=object)`). Names may stand without quotes, as in `{a,b}`. Not-a-number is null.
 *
 * @returns undefined for anything that is not complete.
 */
export function readLiteral(text: string): Literal | undefined {
  try {
    return JSON.parse(text) as Literal;
  } catch {}
  const reader = new LiteralReader(text.trim());
  try {
    const value = reader.value("");
    return reader.isAtEnd() ? value : undefined;
  } catch {
    return undefined;
  }
}

const MAX_DEPTH = 64;
const CLOSERS: Readonly<Record<string, string>> = { "[": "]", "(": ")", "{": "}" };

class LiteralReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    this.#skipBlanks();
    return this.#at === this.#text.length;
  }

  /** @param closer of the list that holds the value. */
  value(closer: string): Literal {
    this.#skipBlanks();
    const rest = this.#text.slice(this.#at, this.#at + 24);
    const call = /^(?:(?:np|numpy)\.)?(?:array|set|frozenset|tensor)\s*\(/.exec(rest);
    if (call !== null) {
      this.#at += call[0].length;
      const [first = []] = this.#items(")", true);
      return first;
    }
    const opener = this.#text[this.#at] ?? "";
    if (opener in CLOSERS) {
      this.#at++;
      if (++this.#depth > MAX_DEPTH) throw new SyntaxError("too deep");
      const value = opener === "{" ? this.#braces() : this.#items(CLOSERS[opener]!);
      this.#depth--;
      return value;
    }
    const quoted = /^[urbURB]?(?=['"])/.exec(rest);
    if (quoted !== null) {
      this.#at += quoted[0].length;
      return this.#string();
    }
    return this.#bare(closer);
  }

  /** The items of a list up to its end; numpy separates them by blanks. */
  #items(closer: string, ofCall = false): Literal[] {
    const items: Literal[] = [];
    for (;;) {
      this.#skipBlanks();
      if (this.#take(closer)) return items;
      if (ofCall && /^(?:dtype|device|shape)\s*=[^)]*/.test(this.#text.slice(this.#at))) {
        this.#at += /^[^)]*/.exec(this.#text.slice(this.#at))![0].length;
        continue;
      }
      const item = this.value(closer);
      if (item instanceof Blanks) items.push(...item.items);
      else items.push(item);
      this.#skipBlanks();
      this.#take(",");
    }
  }

  /** A dict, or a set. */
  #braces(): Literal {
    const keys: Literal[] = [];
    const object: { [key: string]: Literal } = Object.create(null);
    let isDict = false;
    for (;;) {
      this.#skipBlanks();
      if (this.#take("}")) break;
      const key = this.value("}:");
      this.#skipBlanks();
      if (this.#take(":")) {
        isDict = true;
        object[String(key)] = this.value("}");
      } else if (key instanceof Blanks) keys.push(...key.items);
      else keys.push(key);
      this.#skipBlanks();
      this.#take(",");
    }
    if (isDict && keys.length > 0) throw new SyntaxError("neither a dict nor a set");
    return isDict || keys.length === 0 ? (isDict ? object : []) : keys;
  }

  #string(): string {
    const quote = this.#text[this.#at++]!;
    let value = "";
    for (;;) {
      const character = this.#text[this.#at++];
      if (character === undefined) throw new SyntaxError("a quote is not closed");
      if (character === quote) return value;
      value += character === "\\" ? this.#escape() : character;
    }
  }

  #escape(): string {
    const character = this.#text[this.#at++] ?? "";
    const digits = { x: 2, u: 4, U: 8 }[character];
    if (digits !== undefined) {
      const hex = this.#text.slice(this.#at, this.#at + digits);
      if (!/^[\da-fA-F]+$/.test(hex) || hex.length !== digits) throw new SyntaxError("a wrong escape");
      this.#at += digits;
      return String.fromCodePoint(Number.parseInt(hex, 16));
    }
    return { n: "\n", t: "\t", r: "\r" }[character] ?? character;
  }

  /** A number, a word of the language, or a name without quotes, up to the next comma. */
  #bare(closer: string): Literal {
    const start = this.#at;
    while (this.#at < this.#text.length && !`,${closer}`.includes(this.#text[this.#at]!)) this.#at++;
    const text = this.#text.slice(start, this.#at).trim();
    if (text === "" || closer === "" || /['"[\](){}]/.test(text)) {
      // numpy puts nothing but blanks between strings and between rows.
      const word = /^[^\s,'"[\](){}]+/.exec(text)?.[0];
      if (word === undefined || closer === "") throw new SyntaxError("not a value");
      this.#at = start + word.length;
      return wordOf(word);
    }
    const words = text.split(/\s+/);
    if (words.length > 1 && words.every((word) => NUMBER.test(word) || word in WORDS)) {
      return new Blanks(words.map(wordOf)) as unknown as Literal;
    }
    return wordOf(text);
  }

  #take(character: string): boolean {
    if (!this.#text.startsWith(character, this.#at)) return false;
    this.#at += character.length;
    return true;
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
  }
}

/** Values with blanks between them. */
class Blanks {
  readonly items: Literal[];

  constructor(items: Literal[]) {
    this.items = items;
  }
}

function wordOf(word: string): Literal {
  if (Object.hasOwn(WORDS, word)) return WORDS[word]!;
  const isCode = /^[+-]?0\d/.test(word) || (/^[+-]?\d+$/.test(word) && !Number.isSafeInteger(Number(word)));
  return NUMBER.test(word) && !isCode ? Number(word) : word;
}
