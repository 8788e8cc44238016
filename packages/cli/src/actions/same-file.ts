import { stat } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";
import { UsageError } from "../errors.ts";

/**
 * Refuses to write over what is read: the same path, another name of the same file, or a file in a folder that is read.
 *
 * @param from the option that names the input, such as `--input`
 * @throws UsageError
 */
export async function refuseSameFile(from: string, input: string, output: string | undefined): Promise<void> {
  if (output === undefined) return;
  const [read, written, folder] = await Promise.all(
    [input, output, dirname(resolve(output))].map(identityOf),
  );
  const isSame = resolve(input) === resolve(output) || (read !== undefined && read.id === written?.id);
  const isInside =
    read?.isDirectory === true &&
    (read.id === folder?.id || resolve(output).startsWith(resolve(input) + sep)) &&
    written !== undefined;
  if (!isSame && !isInside) return;
  const what = isSame ? `is the file that ${from} reads` : `is in the folder that ${from} reads`;
  throw new UsageError(`--output ${output} ${what}; give another file`);
}

async function identityOf(path: string): Promise<{ id: string; isDirectory: boolean } | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found === undefined || (!found.isFile() && !found.isDirectory())) return undefined;
  return { id: `${found.dev} ${found.ino}`, isDirectory: found.isDirectory() };
}
