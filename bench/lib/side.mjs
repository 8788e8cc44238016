// One side of a comparison: a process that loads once, stays warm, and does one thing at a time when asked.

import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { spawnTracked } from "./children.mjs";
import { nodePeers } from "./node-peers.mjs";
import { peerEnvironment, peerPython } from "./peer.mjs";

const HERE = fileURLToPath(new URL("..", import.meta.url));

/**
 * Speaks JSON lines over the process's stdin and stdout: a question, then its answer. Nothing is asked of a side
 * while another works, for idle threads of one OpenMP runtime spin and take the cores from the other.
 */
export class Side {
  /** What the side said when it had loaded: its versions, and what else it likes. */
  ready;
  #name;
  #child;
  #lines;
  #ended;

  /** Starts a side; `settings` reaches it as one JSON argument. */
  static async start(name, [command, ...args], settings, env = {}) {
    const side = new Side();
    side.#name = name;
    side.#child = spawnTracked(command, [...args, JSON.stringify(settings)], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    side.#child.stdin.on("error", () => {}); // #answer reports an early end
    side.#ended = new Promise((resolve, reject) => {
      side.#child.on("error", reject);
      side.#child.on("close", (code, signal) => resolve(signal ?? code));
    });
    side.#lines = createInterface({ input: side.#child.stdout })[Symbol.asyncIterator]();
    side.ready = await side.#answer();
    return side;
  }

  /** Sends a question and waits for what the side answers. */
  ask(question) {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    return this.#answer();
  }

  /** Lets the process end, and waits until it has. */
  async stop() {
    this.#child.stdin.end();
    await this.#ended;
  }

  async #answer() {
    // Libraries print to stdout as they like; an answer is a line with a JSON object.
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`${this.#name} ended (${await this.#ended}); see its message above`);
      if (value.startsWith("{")) return JSON.parse(value);
    }
  }
}

const node = (script) => [process.execPath, join(HERE, "sides", script)];
const python = (script) => [peerPython(), join(HERE, "peers", script)];

/** Both OpenMP and the tokenizers' Rust core read their number of threads here. */
const threadsOf = ({ threads }) => ({ OMP_NUM_THREADS: String(threads), RAYON_NUM_THREADS: String(threads) });

/** Starts finetag's side. */
export function startFinetag(name, script, settings) {
  return Side.start(name, node(script), settings, threadsOf(settings));
}

/** Starts a side that runs an npm peer. */
export function startNodePeer(name, script, settings) {
  return Side.start(name, node(script), { ...settings, packages: nodePeers() }, threadsOf(settings));
}

/** Starts a side that runs a Python peer. */
export function startPythonPeer(name, script, settings) {
  const env = { ...peerEnvironment(), ...threadsOf(settings), TOKENIZERS_PARALLELISM: "true" };
  return Side.start(name, python(script), settings, env);
}
