import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fail, type HubServer, json, type ServedRepo, sha256, tokenOf } from "./hub-server.ts";

/** Whose repositories a token may write to. */
export interface Writer {
  owners: string[];
}

/** Files from this size on go to the large-file storage in parts. */
const PART_BYTES = 100_000;

/** Repositories and branches that are made, and the three steps of a commit. */
export async function answerWrite(
  server: HubServer,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await bodyOf(request);
  const call =
    /^(api\/repos\/create)$/.exec(path) ??
    /^api\/models\/(?<id>.+?)\/(?<call>branch|preupload|commit)\/(?<rev>.+)$/.exec(path) ??
    /^(?<id>.+)\.git\/info\/lfs\/objects\/(?<call>batch)$/.exec(path);
  if (call === null) return void fail(response, 404, "NotFound");
  const { id = "", call: step = "create", rev = "main" } = call.groups ?? {};
  const fault = server.fault(step, ["status"]);
  if (fault) return void fail(response, fault.status!, "Fault", fault.error);
  const writer = server.writers.get(tokenOf(request) ?? "");
  if (writer === undefined) return void fail(response, 401, "InvalidToken");
  if (step === "create") return void create(server, writer, JSON.parse(body.toString()), response);
  if (!writer.owners.includes(id.split("/")[0]!))
    return void fail(response, 403, "Forbidden", "You don't have the rights to write here");
  const repo = server.repos.get(id);
  if (repo === undefined) return void fail(response, 404, "RepoNotFound");
  if (step === "branch") {
    repo.revisions[rev] = repo.commit;
    return void json(response, { success: true });
  }
  if (step !== "batch" && repo.revisions[rev] === undefined)
    return void fail(response, 404, "RevisionNotFound");
  if (step === "preupload") return void preupload(JSON.parse(body.toString()), response);
  if (step === "batch") return void batch(server, JSON.parse(body.toString()), response);
  commit(server, repo, rev, body.toString(), response);
}

function create(
  server: HubServer,
  writer: Writer,
  { name, organization, visibility }: { name: string; organization: string; visibility?: string },
  response: ServerResponse,
): void {
  const id = `${organization}/${name}`;
  if (!writer.owners.includes(organization))
    return void fail(response, 403, "Forbidden", "not your namespace");
  if (server.repos.has(id))
    return void fail(response, 409, "Conflict", "You already created this model repo");
  server.add(id, { ".gitattributes": "" }, { private: visibility === "private" });
  json(response, { url: `${server.url}/${id}`, id, name: id });
}

interface FileList {
  files: { path: string; size: number; sample: string }[];
}

/** By size and ending, as the real one does by .gitattributes. */
function preupload({ files }: FileList, response: ServerResponse): void {
  const isLarge = (path: string, size: number) =>
    size > 10_000_000 || /\.(safetensors|bin|model)$/.test(path);
  const answers = files.map(({ path, size }) => ({
    path,
    uploadMode: isLarge(path, size) ? "lfs" : "regular",
    shouldIgnore: false,
  }));
  json(response, { files: answers });
}

/** What is there already has no `actions`. */
function batch(
  server: HubServer,
  { objects }: { objects: { oid: string; size: number }[] },
  response: ServerResponse,
): void {
  const answers = objects.map(({ oid, size }) => {
    if (server.uploads.has(oid)) return { oid, size };
    const href = `${server.storageUrl}/upload/${oid}`;
    if (size <= PART_BYTES) return { oid, size, actions: { upload: { href } } };
    const parts = Array.from({ length: Math.ceil(size / PART_BYTES) }, (_, i) => {
      const number = String(i + 1).padStart(5, "0");
      return [number, `${href}/${number}`];
    });
    const header = { chunk_size: String(PART_BYTES), ...Object.fromEntries(parts) };
    return { oid, size, actions: { upload: { href: `${href}/complete`, header } } };
  });
  json(response, { transfer: "basic", objects: answers });
}

/** One whole file, one part, or the word that all parts are there. */
export async function answerUpload(
  server: HubServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, , oid, part] = request.url!.split("/");
  const fault = server.fault(part ?? "upload", ["break-upload", "refuse-upload"]);
  if (fault?.kind === "break-upload") {
    request.once("data", () => request.destroy());
    return;
  }
  const body = await bodyOf(request);
  if (fault) return void fail(response, fault.status!, "Fault");
  if (request.headers.authorization !== undefined) return void fail(response, 400, "TokenShown");
  if (part !== undefined && part !== "complete") {
    server.uploads.set(`${oid}/${part}`, body);
    response.setHeader("etag", `"${part}"`);
    response.end();
    return;
  }
  let whole = body;
  if (part === "complete") {
    const { parts } = JSON.parse(body.toString()) as { parts: { partNumber: number; etag: string }[] };
    whole = Buffer.concat(parts.map(({ etag }) => server.uploads.get(`${oid}/${JSON.parse(etag)}`)!));
  }
  if (sha256(whole) !== oid) return void fail(response, 400, "WrongChecksum");
  server.uploads.set(oid!, whole);
  json(response, { success: true });
}

interface Line {
  key: "header" | "file" | "lfsFile" | "deletedFile";
  value: { summary: string; path: string; content: string; encoding: BufferEncoding; oid: string };
}

function commit(
  server: HubServer,
  repo: ServedRepo,
  branch: string,
  body: string,
  response: ServerResponse,
): void {
  const files = new Map(repo.files);
  const entry = { branch, title: "", paths: [] as string[], removed: [] as string[] };
  for (const line of body.split("\n")) {
    const { key, value } = JSON.parse(line) as Line;
    if (key === "header") entry.title = value.summary;
    else if (key === "deletedFile") {
      files.delete(value.path);
      entry.removed.push(value.path);
    } else {
      const data =
        key === "file" ? Buffer.from(value.content, value.encoding) : server.uploads.get(value.oid);
      if (data === undefined)
        return void fail(response, 400, "MissingUpload", `${value.path} was not uploaded`);
      files.set(value.path, { data, lfs: key === "lfsFile" });
      entry.paths.push(value.path);
    }
  }
  repo.files = files;
  repo.commit = createHash("sha1").update(body).digest("hex");
  repo.revisions[branch] = repo.commit;
  repo.log = [...(repo.log ?? []), entry];
  json(response, { success: true, commitOid: repo.commit, commitUrl: `${server.url}/commit/${repo.commit}` });
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
