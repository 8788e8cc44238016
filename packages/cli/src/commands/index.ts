import type { Command } from "./command.ts";
import { convert } from "./convert.ts";
import { data } from "./data.ts";
import { doctor } from "./doctor.ts";
import { evaluate } from "./eval.ts";
import { inspect } from "./inspect.ts";
import { predict } from "./predict.ts";
import { pull } from "./pull.ts";
import { push } from "./push.ts";
import { setup } from "./setup.ts";
import { train } from "./train.ts";

export const commands: readonly Command[] = [
  train,
  evaluate,
  predict,
  data,
  pull,
  push,
  inspect,
  convert,
  setup,
  doctor,
];
export { type Command, defineAction, type Positional } from "./command.ts";
