import type { HubSettings } from "./settings.ts";

/** Takes the name and password out of the URLs in a text, for messages. */
export function withoutCredentials(text: string): string {
  return text.replace(/(\b[a-z][a-z\d+.-]*:\/\/)[^\s/?#"'<>]*@/gi, "$1");
}

/**
 * A `fetch` that proves who asks to the endpoint and to nobody else: with the client's token, or with the name and password
 * of `HF_ENDPOINT`. A page of a listing may name a next one anywhere (`Link: rel="next"`), and the client would send the
 * token there as well.
 */
export function authorizedFetch(
  { endpoint, password }: Pick<HubSettings, "endpoint" | "password">,
  fetchOnce: typeof fetch,
): typeof fetch {
  const { origin } = new URL(endpoint);
  return (input, init) => {
    const url = input instanceof Request ? input.url : input;
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    if (new URL(url).origin !== origin) headers.delete("authorization");
    else if (password !== undefined) headers.set("authorization", `Basic ${password}`);
    return fetchOnce(input, { ...init, headers });
  };
}
