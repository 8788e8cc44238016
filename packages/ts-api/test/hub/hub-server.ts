import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerUpload, answerWrite, type Writer } from "./hub-writes.ts";

export interface ServedFile {
  data: Buffer;
  /** In large-file storage: named by sha256 and served by the second server after a redirect. */
  lfs: boolean;
}

export interface ServedRepo {
  commit: string;
  revisions: Record<string, string>;
  files: Map<string, ServedFile>;
  /** Needs this token. */
  token?: string;
  gated?: boolean;
  private?: boolean;
  /** What was committed, the newest last. */
  log?: { branch: string; title: string; paths: string[]; removed: string[] }[];
}

/** What goes wrong with the next answers about a path. */
export interface Fault {
  path: string;
  kind:
    | "break"
    | "stall"
    | "drip"
    | "endless-pages"
    | "endless-page"
    | "foreign-page"
    | "ignore-range"
    | "corrupt"
    | "status"
    | "silent"
    | "refuse-upload"
    | "break-upload";
  /** Answers that it hits. */
  times: number;
  /** Bytes sent before it breaks or stalls, or at a time. */
  after?: number;
  status?: number;
  /** Of another server, where the next page is said to be. */
  origin?: string;
  /** What else the answer says. */
  error?: string;
}

interface Seen {
  server: "hub" | "storage";
  method: string;
  url: string;
  range: string | undefined;
  authorization: string | undefined;
}

/** A client that went away in the middle of its request is owed no answer; all else is a fault of the server's. */
function unlessBrokenOff(answer: Promise<void>): void {
  answer.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ECONNRESET") throw error;
  });
}

/**
 * Speaks what the Hub's client asks of it, over two servers as the real one does: the Hub itself and the storage of
 * large files behind a redirect.
 */
export class HubServer {
  readonly repos = new Map<string, ServedRepo>();
  readonly seen: Seen[] = [];
  /** Tokens that may write, and to whose repositories. */
  readonly writers = new Map<string, Writer>();
  /** Large files that arrived, by sha256, and as parts, by path of their address. */
  readonly uploads = new Map<string, Buffer>();
  faults: Fault[] = [];
  readonly #prefix: string;
  readonly #hub: Server;
  readonly #storage: Server;

  private constructor(prefix: string) {
    this.#prefix = prefix;
    this.#hub = createServer((request, response) => this.#answerHub(request, response));
    this.#storage = createServer((request, response) => this.#answerStorage(request, response));
  }

  /** @param prefix A path below which a mirror serves the Hub, e.g. `/hf`. */
  static async start(prefix = ""): Promise<HubServer> {
    const server = new HubServer(prefix);
    await Promise.all(
      [server.#hub, server.#storage].map(
        (s) => new Promise<void>((resolve) => s.listen(0, "127.0.0.1", resolve)),
      ),
    );
    return server;
  }

  /** Of the second server, where large files go. */
  get storageUrl(): string {
    return origin(this.#storage);
  }

  get url(): string {
    return `${origin(this.#hub)}${this.#prefix}`;
  }

  /** May be called again. */
  async stop(): Promise<void> {
    for (const s of [this.#hub, this.#storage]) {
      s.closeAllConnections();
      await new Promise((resolve) => s.close(resolve));
    }
  }

  add(id: string, files: Record<string, string | Buffer>, extra: Partial<ServedRepo> = {}): ServedRepo {
    const commit = createHash("sha1").update(id).update(JSON.stringify(files)).digest("hex");
    const served = Object.entries(files).map(([path, content]): [string, ServedFile] => [
      path,
      { data: Buffer.from(content), lfs: /\.(safetensors|bin|model)$/.test(path) },
    ]);
    const repo = { commit, revisions: { main: commit }, files: new Map(served), ...extra };
    this.repos.set(id, repo);
    return repo;
  }

  /** The paths of files whose bytes were asked for. */
  fetchedFiles(): string[] {
    return this.seen
      .filter((s) => s.server === "hub" && s.url.includes("/resolve/"))
      .map((s) => s.url.split("/").at(-1)!);
  }

  #record(server: Seen["server"], request: IncomingMessage): void {
    const { range, authorization } = request.headers;
    this.seen.push({ server, method: request.method!, url: request.url!, range, authorization });
  }

  #answerHub(request: IncomingMessage, response: ServerResponse): void {
    this.#record("hub", request);
    const url = new URL(request.url!, "http://hub");
    if (!url.pathname.startsWith(`${this.#prefix}/`)) return void fail(response, 404, "NotFound");
    const path = decodeURIComponent(url.pathname.slice(this.#prefix.length + 1));
    if (request.method === "POST") return void unlessBrokenOff(answerWrite(this, path, request, response));
    const api = /^api\/models\/(.+?)\/(revision|tree)\/(.+)$/.exec(path);
    const file = /^(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const [id, revision] = api ? [api[1]!, api[3]!] : file ? [file[1]!, file[2]!] : ["", ""];
    const repo = this.repos.get(id);
    const fault = this.fault(file?.[3] ?? api?.[2] ?? "", ["status", "silent"]);
    if (fault?.kind === "silent") return;
    if (fault) return void fail(response, fault.status!, "Fault");
    // As the real one: without a token, no stranger learns whether a repository exists.
    const known = this.writers.size === 0 || this.writers.has(tokenOf(request) ?? "");
    if (!known) return void fail(response, 401, "InvalidToken");
    if (!repo) return void fail(response, request.headers.authorization ? 404 : 401, "RepoNotFound");
    if (repo.token && request.headers.authorization !== `Bearer ${repo.token}`)
      return void fail(response, 401, "RepoNotFound");
    const branch = revision === "HEAD" ? "main" : revision;
    const commit = repo.revisions[branch] ?? (revision === repo.commit ? revision : undefined);
    if (!commit) return void fail(response, 404, "RevisionNotFound");
    if (api?.[2] === "revision")
      return void json(response, {
        _id: "1",
        id,
        sha: commit,
        private: repo.private ?? false,
        gated: false,
      });
    if (api) return void this.#answerTree(repo, url, response);
    if (repo.gated) return void fail(response, 403, "GatedRepo");
    response.setHeader("x-repo-commit", commit);
    const served = repo.files.get(file![3]!);
    if (!served) return void fail(response, 404, "EntryNotFound");
    if (served.lfs) {
      response.writeHead(302, {
        location: `${origin(this.#storage)}/${encodeURIComponent(id)}/${file![3]}`,
        "x-linked-etag": `"${sha256(served.data)}"`,
        "x-linked-size": served.data.length,
      });
      response.end();
    } else {
      response.setHeader("etag", `"${gitBlobId(served.data)}"`);
      this.#send(file![3]!, served.data, request, response);
    }
  }

  /** In pages of three, as the real one does in pages of a thousand. */
  #answerTree(repo: ServedRepo, url: URL, response: ServerResponse): void {
    const fault = this.fault("tree", ["endless-pages", "endless-page", "foreign-page"]);
    if (fault?.kind === "endless-page") {
      response.writeHead(200, { "content-type": "application/json" });
      response.write("[");
      return void pour(
        response,
        Buffer.from(`${JSON.stringify({ type: "file", path: "x" })},`.repeat(10_000)),
      );
    }
    const start = Number(url.searchParams.get("cursor") ?? 0);
    const entries = [...repo.files].map(([path, { data, lfs }]) => ({
      type: "file",
      path,
      size: data.length,
      oid: gitBlobId(lfs ? Buffer.from("pointer") : data),
      ...(lfs && { lfs: { oid: sha256(data), size: data.length, pointerSize: 134 } }),
    }));
    if (start + 3 < entries.length || fault?.kind === "endless-pages") {
      url.searchParams.set("cursor", String(start + 3));
      response.setHeader(
        "link",
        `<${fault?.origin ?? origin(this.#hub)}${url.pathname}${url.search}>; rel="next"`,
      );
    }
    json(response, entries.slice(start, start + 3));
  }

  #answerStorage(request: IncomingMessage, response: ServerResponse): void {
    this.#record("storage", request);
    if (request.method !== "GET") return void unlessBrokenOff(answerUpload(this, request, response));
    const [id, path] = request.url!.slice(1).split("/").map(decodeURIComponent);
    this.#send(path!, this.repos.get(id!)!.files.get(path!)!.data, request, response);
  }

  #send(path: string, whole: Buffer, request: IncomingMessage, response: ServerResponse): void {
    const fault = this.fault(path, ["break", "stall", "drip", "ignore-range", "corrupt"]);
    let data = whole;
    if (fault?.kind === "corrupt") {
      data = Buffer.from(whole);
      data[data.length - 1]! ^= 1;
    }
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    if (range && fault?.kind !== "ignore-range") {
      const start = Number(range[1]);
      const end = range[2] ? Number(range[2]) + 1 : data.length;
      response.writeHead(206, {
        "content-range": `bytes ${start}-${end - 1}/${data.length}`,
        "content-length": end - start,
      });
      data = data.subarray(start, end);
    } else response.writeHead(200, { "content-length": data.length });
    if (fault?.kind === "break")
      response.write(data.subarray(0, fault.after), () => setTimeout(() => response.destroy(), 20));
    else if (fault?.kind === "stall") response.write(data.subarray(0, fault.after));
    else if (fault?.kind === "drip") drip(response, data, fault.after!);
    else response.end(data);
  }

  /** The next fault of a path, which is then used up by one. */
  fault(path: string, kinds: Fault["kind"][]): Fault | undefined {
    const fault = this.faults.find((f) => f.path === path && f.times > 0 && kinds.includes(f.kind));
    if (fault) fault.times--;
    return fault;
  }
}

/** A few bytes at a time, with a pause before each. */
function drip(response: ServerResponse, data: Buffer, bytes: number): void {
  const send = (start: number) => {
    if (response.destroyed) return;
    if (start >= data.length) return void response.end();
    response.write(data.subarray(start, start + bytes), () => setTimeout(send, 40, start + bytes));
  };
  setTimeout(send, 40, 0);
}

/** The same again and again, as long as somebody takes it. */
function pour(response: ServerResponse, data: Buffer): void {
  response.write(data, (error) => {
    if (!error && !response.destroyed) pour(response, data);
  });
}

export function tokenOf(request: IncomingMessage): string | undefined {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
}

function origin(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function json(response: ServerResponse, value: unknown): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(value));
}

export function fail(response: ServerResponse, status: number, code: string, error = code): void {
  response.writeHead(status, { "x-error-code": code, "content-type": "application/json" });
  response.end(JSON.stringify({ error }));
}

export function sha256(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

export function gitBlobId(data: Buffer): string {
  return createHash("sha1").update(`blob ${data.length}\0`).update(data).digest("hex");
}
