import type { z } from "zod";
import type { Context } from "../context.ts";

/** The arguments of a command line. */
export interface Call<Schema extends z.ZodObject = z.ZodObject> {
  /** Positional arguments. */
  words: string[];
  /** The options that were given, checked, without defaults. */
  given: z.input<Schema>;
}

/** The implementation of a command. Loaded only when it runs, so that the help of other commands stays quick. */
export interface Action<Schema extends z.ZodObject = z.ZodObject> {
  /**
   * The options; their help text and heading are metadata. An option without a heading is listed under "Options".
   */
  schema: Schema;
  /** Keys of `train` options that messages of this command may name, although it does not have them. */
  alsoNames?: readonly string[];
  /**
   * Runs the command.
   * @param options checked, with defaults filled in.
   * @returns the exit code; 0 if absent.
   */
  run(options: z.output<Schema>, call: Call<Schema>, context: Context): Promise<number | undefined>;
}

/** A positional argument; `usage` is in yargs' notation, such as `[TEXT..]`. */
export interface Positional {
  usage: string;
  name: string;
  description: string;
}

/** One command: its name and its help. */
export interface Command {
  name: string;
  positional?: Positional | readonly Positional[];
  description: string;
  examples: readonly (readonly [command: string, meaning: string])[];
  epilogue?: string;
  load(): Promise<Action>;
}

/** Lets an action keep the types of its schema. */
export function defineAction<Schema extends z.ZodObject>(action: Action<Schema>): Action {
  return action as unknown as Action;
}
