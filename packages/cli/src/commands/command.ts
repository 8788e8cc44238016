import type { z } from "zod";
import type { Context } from "../context.ts";

/** What a user wrote besides the options. */
export interface Call<Schema extends z.ZodObject = z.ZodObject> {
  /** Positional arguments. */
  words: string[];
  /** The options that were given, checked, without defaults. */
  given: z.input<Schema>;
}

/** What a command does. Loaded only when it runs, so that the help of the others stays quick. */
export interface Action<Schema extends z.ZodObject = z.ZodObject> {
  /**
   * The options, each with the text and the heading of its help as metadata. An option without a heading is listed
   * under "Options".
   */
  schema: Schema;
  /** Options of `train` that the messages of this command may name although it does not have them, by their keys. */
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
