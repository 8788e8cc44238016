import { crc32c } from "@node-rs/crc32";

/** A CRC32C in the form in which TensorFlow's files hold it. */
export class MaskedCrc32c {
  #crc = 0;

  update(bytes: Uint8Array): this {
    this.#crc = crc32c(bytes, this.#crc);
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
