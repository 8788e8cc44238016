import { afterEach } from "vitest";
import { loadAddon, type NativeSession, type SessionOptions } from "../../lib/index.ts";
import { session as options } from "./tiny.ts";

export const addon = loadAddon();

const open: NativeSession[] = [];

/** A tiny session without weights, disposed after the test. */
export async function create(more: Partial<SessionOptions> = {}): Promise<NativeSession> {
  const session = await addon.createSession(options(more));
  open.push(session);
  return session;
}

/** The same with new weights. */
export async function ready(more: Partial<SessionOptions> = {}): Promise<NativeSession> {
  const session = await create(more);
  await session.initialize(session.parameters().map((parameter) => parameter.name));
  return session;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.dispose()));
});

/** The code and message that a call is refused with. */
export const refused = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "was accepted",
    (error: Error & { code: string }) => `${error.code}: ${error.message}`,
  );
