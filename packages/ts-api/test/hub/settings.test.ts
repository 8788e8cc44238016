import { HUB_URL as CLIENT_URL, getHFHubCachePath, getRepoFolderName } from "@huggingface/hub";
import { afterEach, describe, expect, it, vi } from "vitest";
import { repoFolder } from "../../src/hub/hub-cache.ts";
import { defaultHubCache, HUB_URL } from "../../src/hub/settings.ts";

const VARIABLES = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"];

describe("what is known of the Hub's client without loading it", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("is what the client says", () => {
    expect(HUB_URL).toBe(CLIENT_URL);
    for (const name of ["acme/tiny", "tiny"]) {
      expect(repoFolder("cache", name)).toBe(`cache/${getRepoFolderName({ type: "model", name })}`);
    }
  });

  it("is the same folder for every set of variables", () => {
    for (let set = 0; set < 2 ** VARIABLES.length; set++) {
      for (const [i, name] of VARIABLES.entries()) {
        vi.stubEnv(name, (set >> i) & 1 ? `/somewhere/${name}` : undefined);
      }
      expect(defaultHubCache()).toBe(getHFHubCachePath());
    }
  });
});
