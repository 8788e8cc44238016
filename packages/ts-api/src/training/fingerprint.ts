import { createHash } from "node:crypto";
import type { TokenStore } from "../engine/index.ts";
import type { RowSource } from "./sources.ts";
import type { SplitFingerprint } from "./state.ts";

/** What a split holds, after tokenization: the same file with other tokens is other data. */
export async function fingerprint(source: RowSource, store: TokenStore): Promise<SplitFingerprint> {
  const hash = createHash("sha256");
  await store.updateHash(hash);
  return {
    path: source.name,
    bytes: source.bytes,
    rows: store.rows,
    tokens: store.tokens,
    sha256: hash.digest("hex"),
  };
}
