import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DataFile, type DataRow, type DataSpec, openData } from "../../src/data/index.ts";
import type { OpenDataOptions } from "../../src/data/types.ts";
import { FinetagError } from "../../src/errors/index.ts";
import { folder as dir, folderForAll } from "../folder.ts";

/** A temporary directory for the tests of a file. */
export function temporaryDirectory() {
  folderForAll();
  return {
    path: (name = "") => join(dir, name),
    async write(name: string, content: string | Uint8Array): Promise<string> {
      await writeFile(join(dir, name), content);
      return join(dir, name);
    },
    /** A message without the directory, so that it can stand in a test. */
    short: (message: string) => message.replaceAll(`${dir}/`, "").replaceAll(dir, "."),
  };
}

export async function collect(file: DataFile): Promise<DataRow[]> {
  const rows: DataRow[] = [];
  for await (const row of file.rows()) rows.push(row);
  return rows;
}

export async function read(spec: DataSpec, options: Partial<OpenDataOptions> = {}) {
  const file = await openData(spec, { requireLabels: true, ...options });
  return { file, rows: await collect(file) };
}

/** `CODE message` of the FinetagError that `work` ends with; anything else fails. */
export async function errorOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof FinetagError)) throw error ?? new Error("expected an error");
  if (/[\n\r]/.test(error.message)) throw new Error(`more than one line: ${error.message}`);
  return `${error.code.replace("ERR_FINETAG_", "")} ${error.message}`;
}
