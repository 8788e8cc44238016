import { isAbsolute } from "node:path";
import { SetupError } from "../errors.mjs";
import { output } from "../exec.mjs";
import { findToolchain } from "./toolchain.mjs";

/** The vitest files that run the engine: all else is not instrumented, and several times as slow for nothing. */
export const SANITIZED_TESTS = ["test/binding", "parity/engine"];

/** Memory that is refused is the engine's to tell, as it is without the sanitizer, which would end the process. */
export const ASAN_OPTIONS = "allocator_may_return_null=1";

/**
 * What Node needs to load an addon that is built with FINETAG_SANITIZE=1.
 *
 * @throws SetupError where the compiler has no shared library of the address sanitizer, as g++ does
 */
export function sanitizerEnv() {
  const { compiler } = findToolchain();
  const library = output(compiler.path, ["-print-file-name=libasan.so"]);
  if (library === undefined || !isAbsolute(library))
    throw new SetupError(`FINETAG_SANITIZE=1 needs g++ with libasan; ${compiler.version} has none.`);
  return {
    // The sanitizer wants to be there before all else, and Node itself is not linked with it.
    LD_PRELOAD: library,
    // Node and libtorch keep what they hold until the process ends. The C++ tests look for leaks.
    ASAN_OPTIONS: `${ASAN_OPTIONS}:detect_leaks=0`,
    UBSAN_OPTIONS: "print_stacktrace=1",
  };
}
