import type { z } from "zod";
import type { Context } from "../context.ts";

/** What else a user wrote. */
export interface Call<Schema extends z.ZodObject = z.ZodObject> {
  /** Positional arguments. */
  words: string[];
  /** The options that were given, checked, without defaults. */
  given: z.input<Schema>;
}

/** What a command does, loaded only when it runs, so that `--help` of another one stays quick. */
export interface Action<Schema extends z.ZodObject = z.ZodObject> {
  /** The options, each with its help text. */
  schema: Schema;
  /** Headings of `--help` with the option keys below them; the rest stands under "Options". */
  groups?: Record<string, readonly string[]>;
  /**
   * Runs the command.
   * @param options checked, with defaults filled in.
   * @returns the exit code; 0 if absent.
   */
  run(options: z.output<Schema>, call: Call<Schema>, context: Context): Promise<number | undefined>;
}

/** A positional argument; its usage is as yargs writes it, such as `[TEXT..]`. */
export interface Positional {
  usage: string;
  name: string;
  description: string;
}

/** One command: how it is called and what its help says. */
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
