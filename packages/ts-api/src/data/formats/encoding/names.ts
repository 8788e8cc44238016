import { FinetagError } from "../../../errors/index.ts";
import { didYouMean, show } from "../../errors.ts";

/** What Python, iconv and Windows call an encoding that the web calls otherwise. */
const ALIASES: Readonly<Record<string, string>> = {
  "utf8-sig": "utf-8",
  "utf-8-sig": "utf-8",
  "utf-8-bom": "utf-8",
  cp65001: "utf-8",
  "utf-16-le": "utf-16le",
  "utf-16-be": "utf-16be",
  gbk: "gb18030", // its superset; the decoder for gbk refuses characters that files do have
  gb2312: "gb18030",
  cp936: "gb18030",
  "gb-18030": "gb18030",
  "big5-hkscs": "big5",
  big5hkscs: "big5",
  cp950: "big5",
  cp932: "shift_jis",
  "shift-jis": "shift_jis",
  sjis: "shift_jis",
  eucjp: "euc-jp",
  cp949: "euc-kr",
  uhc: "euc-kr",
  euckr: "euc-kr",
  "latin-1": "windows-1252",
  "iso8859-15": "iso-8859-15",
  cp874: "windows-874",
  cp866: "ibm866",
  "mac-roman": "macintosh",
  macroman: "macintosh",
  "mac-cyrillic": "x-mac-cyrillic",
  maccyrillic: "x-mac-cyrillic",
};

/** What a suggestion may name. */
const USUAL = [
  "utf-8",
  "utf-16le",
  "utf-16be",
  "gb18030",
  "gbk",
  "big5",
  "shift_jis",
  "euc-jp",
  "euc-kr",
  "windows-1250",
  "windows-1251",
  "windows-1252",
  "iso-8859-1",
  "iso-8859-2",
  "latin-1",
  "koi8-r",
];

/** The name under which an encoding is decoded; undefined for one that is not known. */
export function knownEncoding(name: string): string | undefined {
  const plain = name.trim().toLowerCase().replaceAll("_", "-");
  for (const label of [ALIASES[plain], plain, name.trim(), plain.replace(/^iso(?=\d)/, "iso-")]) {
    if (label === undefined) continue;
    try {
      const { encoding } = new TextDecoder(label);
      return encoding === "gbk" ? "gb18030" : encoding;
    } catch {}
  }
  return undefined;
}

/**
 * The name of a given encoding, as the Encoding Standard of the web has it.
 * @throws {FinetagError} ERR_FINETAG_ARGUMENT for one that is not known.
 */
export function encodingName(given: string): string {
  const name = knownEncoding(given);
  if (name !== undefined) return name;
  const advice = didYouMean(given, USUAL) || "; usual ones are utf-8, gb18030, shift_jis and windows-1252";
  throw new FinetagError("ERR_FINETAG_ARGUMENT", `unknown encoding ${show(given)}${advice}`, {
    option: "encoding",
  });
}
