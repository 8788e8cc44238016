import { trainOptionsSchema } from "@finetag/api";
import { describe, expect, it } from "vitest";
import yargs from "yargs";
import { declareFlags, flagsOf } from "../../src/arguments/index.ts";
import { commands } from "../../src/commands/index.ts";
import { trainConfigSchema } from "../../src/schema.ts";

const helps = new Map<string, ReturnType<typeof makeHelp>>();

/** The text below each heading of a command's help. */
function helpOf(name: string): ReturnType<typeof makeHelp> {
  const help = helps.get(name) ?? makeHelp(name);
  helps.set(name, help);
  return help;
}

async function makeHelp(name: string): Promise<Map<string, string>> {
  const command = commands.find((each) => each.name === name)!;
  const parser = yargs([]).locale("en").wrap(1000);
  declareFlags(parser, flagsOf((await command.load()).schema), true);
  const sections = (await parser.getHelp()).split(/^(?=\w+:$)/m);
  return new Map(sections.map((section) => [section.slice(0, section.indexOf(":")), section]));
}

const options = flagsOf(trainOptionsSchema);
const each = options.map((option) => [option.name, option] as const);

describe("an option of train", () => {
  it.each(each)("--%s is in the help, under its heading", async (name, { heading }) => {
    expect(["Model", "Data", "Training", "Run"]).toContain(heading);
    expect((await helpOf("train")).get(heading!)).toMatch(new RegExp(`^ +--${name} +\\S`, "m"));
  });

  it.each(each)(
    "--%s is in the JSON Schema of --config, without its heading",
    (name, { key, description }) => {
      const { properties } = trainConfigSchema() as { properties: Record<string, object> };
      expect(properties[key]).toMatchObject({ description });
      expect(properties[key]).not.toHaveProperty("heading");
      expect(Object.keys(properties)).toContain(name);
    },
  );
});

describe("help", () => {
  it("has its headings in a sensible order", async () => {
    expect([...(await helpOf("train")).keys()]).toEqual(["Model", "Data", "Training", "Run", "Options"]);
    expect([...(await helpOf("eval")).keys()]).toEqual(["Model", "Data", "Output", "Run", "Options"]);
    expect([...(await helpOf("predict")).keys()]).toEqual(["Model", "Data", "Output", "Run", "Options"]);
  });

  it("spells other options as flags", async () => {
    const training = (await helpOf("train")).get("Training")!;
    expect(training).toContain("Number of optimizer steps; overrides --epochs");
    expect([...(await helpOf("predict")).values()].join("")).not.toContain("`");
  });

  it("says how to turn off what is on by default", async () => {
    const help = await helpOf("train");
    const names = options.filter(({ defaultText }) => defaultText === "on").map(({ name }) => name);
    expect(names).toEqual(["header", "group-by-length", "token-cache", "tensorboard"]);
    for (const name of names) expect([...help.values()].join("")).toContain(`(--no-${name} turns this off)`);
  });
});

it.each(commands)("every option of $name has a description", async ({ load }) => {
  for (const { name, description } of flagsOf((await load()).schema)) expect(description, name).not.toBe("");
});
