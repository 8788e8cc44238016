/** What a person can act on: printed as it is, without a stack. */
export class SetupError extends Error {
  name = "SetupError";
}

/** Prints an error the way every entry script does, and gives the exit code. */
export function reportError(error) {
  if (error instanceof SetupError) console.error(`\n${error.message}`);
  else console.error(error);
  return 1;
}
