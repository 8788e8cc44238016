import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Whether the module with this import.meta.url is the script that Node was started with. */
export function isMain(url) {
  const script = process.argv[1];
  return script !== undefined && realpathSync(script) === fileURLToPath(url);
}
