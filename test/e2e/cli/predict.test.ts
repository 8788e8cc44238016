import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { link, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LABELS } from "../../../packages/ts-api/test/training/tiny.ts";
import { FINETAG, finetag } from "../program.ts";
import { hasScript, lines, useTrainedModel } from "./trained.ts";

const trained = useTrainedModel();

describe("predict", () => {
  const predict = (args: string[], input?: string) =>
    finetag(["predict", "--model", trained.model, "--threads", "1", ...args], { input });

  test("texts of the command line", async () => {
    const { code, stdout, stderr } = await predict(["we had a happy day", "12", "--", "--mad"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const rows = lines(stdout).map((line) => JSON.parse(line));
    expect(rows.map(({ text }) => text)).toEqual(["we had a happy day", "12", "--mad"]);
    expect(rows[0].labels).toEqual(["joy"]);
    expect(Object.keys(rows[0])).toEqual(["text", "labels", "probabilities"]);
    expect(Object.keys(rows[0].probabilities)).toEqual(LABELS);
  });

  test("--precision int8 labels as float32 does where labels are clear", async () => {
    const texts = ["we had a happy day", "so mad", "the dread"];
    const { code, stdout, stderr } = await predict(["--precision", "int8", ...texts]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const [exact, near] = [(await predict(texts)).stdout, stdout].map((text) =>
      lines(text).map((line) => JSON.parse(line)),
    );
    expect(near!.map(({ labels }) => labels)).toEqual(exact!.map(({ labels }) => labels));
    expect(near).not.toEqual(exact);
  });

  test("stdin is one text a line", async () => {
    const { stdout } = await predict([], "so mad\r\n\nhappy");
    expect(lines(stdout).map((line) => JSON.parse(line).text)).toEqual(["so mad", "", "happy"]);
    const empty = await predict([]);
    expect(empty).toEqual({ code: 0, stdout: "", stderr: "finetag: warning: no texts to label\n" });
  });

  test("a line comes out before the next one goes in", { timeout: 30_000 }, async () => {
    const child = spawn(process.execPath, [FINETAG, "predict", "--model", trained.model], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    for (const text of ["so happy", "so mad"]) {
      child.stdin.write(`${text}\n`);
      const [line] = await once(child.stdout, "data");
      expect(JSON.parse(String(line)).text).toBe(text);
    }
    child.stdin.end();
    expect((await once(child, "close"))[0]).toBe(0);
  });

  test("files in JSON lines, CSV and the TensorFlow 1 tool's format say the same", async () => {
    const input = join(trained.folder, "test.csv");
    const outputs = ["p.jsonl", "p.csv", "test_results.tsv"].map((name) => join(trained.folder, name));
    for (const output of outputs) {
      expect(await predict(["--input", input, "--output", output])).toEqual({
        code: 0,
        stdout: "",
        stderr: `finetag: ${input}: csv, utf-8\nfinetag: text from "text"; id from "id"; not used: ${LABELS.map((label) => `"${label}"`).join(", ")}\n`,
      });
    }
    const [jsonl, csv, tsv] = await Promise.all(
      outputs.map(async (path) => lines(await readFile(path, "utf8"))),
    );
    const rows = jsonl!.map((line) => JSON.parse(line));
    expect(rows).toHaveLength(40);
    expect(csv![0]).toBe(`id,text,labels,${LABELS.join(",")}`);
    for (const [i, { id, text, labels, probabilities }] of rows.entries()) {
      const exact = LABELS.map((label) => probabilities[label] as number);
      const list = labels.length > 1 ? `"${labels.join(",")}"` : labels.join(",");
      expect(csv![i + 1]).toBe([id, text, list, ...exact].join(","));
      const [first, ...single] = tsv![i]!.split(",");
      expect(first).toBe(id);
      expect(single.map(Number).map(Math.fround)).toEqual(exact.map(Math.fround));
    }
    expect((await predict(["--input", input])).stdout).toBe(`${jsonl!.join("\n")}\n`);
    expect((await predict(["--input", input, "--output-format", "csv"])).stdout).toBe(`${csv!.join("\n")}\n`);
  });

  test("columns are those of the training file by name, or those that are named", async () => {
    const input = join(trained.folder, "other.csv");
    await writeFile(input, "words,text\nso mad,so happy\n");
    const asTrained = await predict(["--input", input]);
    expect(JSON.parse(asTrained.stdout).text).toBe("so happy");
    const named = await predict(["--input", input, "--text-column", "words"]);
    expect(JSON.parse(named.stdout).text).toBe("so mad");
  });

  test("--threshold decides which labels are given", async () => {
    const [all, none] = await Promise.all([
      predict(["--threshold", "1e-9", "x"]),
      predict(["--threshold", "0.999999", "x"]),
    ]);
    expect(JSON.parse(all.stdout).labels).toEqual(LABELS);
    expect(JSON.parse(none.stdout).labels).toEqual([]);
  });

  test("a model without a head is one line that says to train it", async () => {
    const { code, stderr } = await finetag(["predict", "--model", trained.base, "so happy"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `finetag: ${trained.base}: this model is not trained yet; run \`finetag train\`, or call \`train()\` first\n`,
    });
  });

  test("a bad row leaves the older output as it was", async () => {
    const input = join(trained.folder, "ragged.csv");
    const output = join(trained.folder, "kept", "labels.jsonl");
    await mkdir(join(trained.folder, "kept"));
    await writeFile(input, "id,text\n1,a\n2,b,c,d\n");
    await writeFile(output, "older\n");
    const { code, stderr } = await predict(["--input", input, "--output", output]);
    expect(code).toBe(2);
    expect(lines(stderr).at(-1)).toMatch(/^finetag: .*ragged\.csv:3: /);
    expect(await readFile(output, "utf8")).toBe("older\n");
    expect(await readdir(join(trained.folder, "kept"))).toEqual(["labels.jsonl"]);
  });

  test("empty texts are kept and counted", async () => {
    const input = join(trained.folder, "empty.csv");
    await writeFile(input, "id,text\n1,\n2,so mad\n");
    const { code, stdout, stderr } = await predict(["--input", input]);
    expect(code).toBe(0);
    expect(lines(stdout)).toHaveLength(2);
    expect(lines(stderr).at(-1)).toBe(`finetag: warning: ${input}: 1 text is empty; it is kept`);
  });

  test("a reader that has enough ends it quietly", async () => {
    const many = join(trained.folder, "many.txt");
    await writeFile(many, "so happy that it was a very great day\n".repeat(20_000));
    const command = `"${process.execPath}" "${FINETAG}" predict --model "${trained.model}" --input "${many}" | head -n 1`;
    const { stdout, stderr, status } = spawnSync("bash", ["-o", "pipefail", "-c", command], {
      encoding: "utf8",
    });
    const plan = `finetag: ${many}: txt, utf-8\nfinetag: text from "text"\n`;
    expect({ lines: lines(stdout).length, stderr, status }).toEqual({ lines: 1, stderr: plan, status: 0 });
  });

  test("does not write over what it reads, by whatever name", { timeout: 60_000 }, async () => {
    const input = join(trained.folder, "own.csv");
    await writeFile(input, "id,text\n1,so mad\n");
    await link(input, join(trained.folder, "hard.csv"));
    await symlink(input, join(trained.folder, "soft.csv"));
    for (const output of [input, join(trained.folder, "hard.csv"), join(trained.folder, "soft.csv")]) {
      const { code, stderr } = await predict(["--input", input, "--output", output]);
      expect({ code, stderr }).toEqual({
        code: 2,
        stderr: `finetag: --output ${output} is the file that --input reads; give another file\n`,
      });
    }
    expect(await readFile(input, "utf8")).toBe("id,text\n1,so mad\n");
  });

  test("Ctrl-C leaves no half-written output", async () => {
    const many = join(trained.folder, "many-more.txt");
    await writeFile(many, "so happy that it was a very great day\n".repeat(200_000));
    const place = join(trained.folder, "half");
    await mkdir(place);
    const child = spawn(process.execPath, [
      FINETAG,
      "predict",
      "--model",
      trained.model,
      "--input",
      many,
      "--output",
      join(place, "o.jsonl"),
    ]);
    while ((await readdir(place)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill("SIGINT");
    expect((await once(child, "close"))[0]).toBe(130);
    expect(await readdir(place)).toEqual([]);
  });

  test.skipIf(!hasScript)("a terminal gets a prompt", { timeout: 30_000 }, async () => {
    const command = `"${process.execPath}" "${FINETAG}" predict --model "${trained.model}"`;
    const child = spawn("script", ["-qec", command, "/dev/null"], { env: { ...process.env, TERM: "xterm" } });
    let screen = "";
    const asked = ["so happy", "so mad", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      screen += text;
      if (text.includes("text>")) child.stdin.write(`${asked.shift() ?? "exit"}\r`);
    });
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    expect(screen).toMatch(/0\.\d{4} {2}joy/);
    expect(screen).toMatch(/0\.\d{4} {2}anger/);
  });
});
