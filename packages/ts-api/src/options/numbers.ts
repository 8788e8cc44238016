import { z } from "zod";

/** A whole number of at least 1. */
export const positive = z.number().int().positive();

/** A seed of the engine: an unsigned 32-bit integer. */
export const seed = z.number().int().nonnegative().max(0xffffffff);

/** A list of names, none of them empty. */
export const names = z.array(z.string().min(1)).nonempty();
