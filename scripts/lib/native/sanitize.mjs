import { isAbsolute } from "node:path";
import { SetupError } from "../errors.mjs";
import { output } from "../exec.mjs";
import { findToolchain } from "./toolchain.mjs";

/** The vitest files that run the engine. Other code is not instrumented, so its tests would only be slower. */
export const SANITIZED_TESTS = ["test/binding", "parity/engine"];

/** The engine reports refused memory itself; the sanitizer would end the process. */
export const ASAN_OPTIONS = "allocator_may_return_null=1";

/**
 * The environment in which Node can load an addon that was built with FINETAG_SANITIZE=1.
 *
 * @throws SetupError if the compiler has no shared library of the address sanitizer; g++ has one
 */
export function sanitizerEnv() {
  const { compiler } = findToolchain();
  const library = output(compiler.path, ["-print-file-name=libasan.so"]);
  if (library === undefined || !isAbsolute(library))
    throw new SetupError(`FINETAG_SANITIZE=1 needs g++ with libasan; ${compiler.version} does not have it.`);
  return {
    // The sanitizer must be loaded first, and Node itself is not linked with it.
    LD_PRELOAD: library,
    // Node and libtorch keep what they hold until the process ends. The C++ tests look for leaks.
    ASAN_OPTIONS: `${ASAN_OPTIONS}:detect_leaks=0`,
    UBSAN_OPTIONS: "print_stacktrace=1",
  };
}
