/** An error that the user can act on: printed without a stack. */
export class SetupError extends Error {
  name = "SetupError";
}

/** Prints an error as every entry script does, and returns the exit code. */
export function reportError(error) {
  if (error instanceof SetupError) console.error(`\n${error.message}`);
  else console.error(error);
  return 1;
}
