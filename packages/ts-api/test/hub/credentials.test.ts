/** Who is shown a token or a password, and who is not. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { withoutCredentials } from "../../src/hub/credentials.ts";
import { pullModel } from "../../src/hub/index.ts";
import { MODEL, server, useHub } from "./setup.ts";

useHub();

/** HF_ENDPOINT with a name and a password. */
function withPassword(url: string): string {
  return url.replace("://", "://anna:pass%40word@");
}
const BASIC = `Basic ${Buffer.from("anna:pass@word").toString("base64")}`;

async function withForeignHost(use: (origin: string, seen: IncomingMessage[]) => Promise<void>) {
  const seen: IncomingMessage[] = [];
  const host = createServer((request, response) => {
    seen.push(request);
    response.setHeader("content-type", "application/json");
    response.end("[]");
  });
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${(host.address() as AddressInfo).port}`, seen);
  } finally {
    await new Promise((resolve) => host.close(resolve));
  }
}

describe("a listing whose next page is on another host", () => {
  it.each([
    ["a token", { HF_TOKEN: "hf_mine" }],
    ["a password", {}],
  ])("does not carry %s there", async (what, env) => {
    server.add("acme/tiny", MODEL);
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    if (what === "a password") vi.stubEnv("HF_ENDPOINT", withPassword(server.url));
    await withForeignHost(async (origin, seen) => {
      server.faults = [{ path: "tree", kind: "foreign-page", times: 1, origin }];
      await pullModel("acme/tiny").catch(() => undefined);
      expect(seen.length).toBeGreaterThan(0);
      expect(seen.map(({ headers }) => headers.authorization)).toEqual(seen.map(() => undefined));
    });
    const atHome = server.seen.filter((each) => each.server === "hub");
    expect(new Set(atHome.map(({ authorization }) => authorization))).toEqual(
      new Set([what === "a token" ? "Bearer hf_mine" : BASIC]),
    );
  });
});

describe("a password in HF_ENDPOINT", () => {
  it("is sent to the endpoint, not to the storage, and shown nowhere", async () => {
    server.add("acme/tiny", MODEL);
    vi.stubEnv("HF_ENDPOINT", withPassword(server.url));
    const pulled = await pullModel("acme/tiny");
    expect(pulled.source).toBe(`${server.url}/acme/tiny (main)`);
    const of = (name: string) => server.seen.filter((each) => each.server === name);
    expect(of("hub").every(({ authorization }) => authorization === BASIC)).toBe(true);
    expect(of("storage").some(({ authorization }) => authorization !== undefined)).toBe(false);
  });

  it.each([
    ["a model that is not there", (url: string) => url],
    ["a port that is closed", () => "http://127.0.0.1:9"],
    ["a host without a name", () => "http://no-such-host.invalid"],
    ["something that is no URL", () => "http://a b"],
    ["another scheme", () => "ftp://127.0.0.1"],
  ])("is not in the message about %s", async (_, urlOf) => {
    vi.stubEnv("HF_ENDPOINT", withPassword(urlOf(server.url)));
    const error: Error = await pullModel("acme/none").catch((caught) => caught);
    const shown: string[] = [];
    for (let each: unknown = error; each instanceof Error; each = each.cause) shown.push(String(each.stack));
    expect(error.message).not.toMatch(/pass|anna/);
    expect(error.message).toMatch(/127\.0\.0\.1|no-such-host|a b/);
    expect(shown.join("\n")).not.toMatch(/pass(%40|@)word/);
  });

  it.each([
    ["https://user:secret@host/path", "https://host/path"],
    ["see http://u:s@ecret@h:80 and https://t@h/x?y", "see http://h:80 and https://h/x?y"],
    ["https://host/a@b and mail a@b.org", "https://host/a@b and mail a@b.org"],
  ])("is taken out of %s", (text, expected) => {
    expect(withoutCredentials(text)).toBe(expected);
  });
});
