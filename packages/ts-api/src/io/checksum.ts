import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** A CRC32C in the form in which TensorFlow's files hold it. */
export class MaskedCrc32c {
  readonly #crc32c = (require("@node-rs/crc32") as typeof import("@node-rs/crc32")).crc32c; // loads a binary
  #crc = 0;

  update(bytes: Uint8Array): this {
    this.#crc = this.#crc32c(bytes, this.#crc);
    return this;
  }

  /** Rotated and shifted, so that a checksum over checksums keeps its strength (tensorflow/tsl/lib/hash/crc32c.h). */
  digest(): number {
    return (((this.#crc >>> 15) | (this.#crc << 17)) + 0xa282ead8) >>> 0;
  }
}

export function maskedCrc32c(bytes: Uint8Array): number {
  return new MaskedCrc32c().update(bytes).digest();
}
