import { loadAddon, type NativeAddon } from "@finetag/core-native";
import { FinetagError } from "../errors/index.ts";

/**
 * The native engine.
 *
 * @throws FinetagError `ERR_FINETAG_ADDON` with a remedy if it is not built or does not load.
 */
export async function openAddon(): Promise<NativeAddon> {
  try {
    return await loadAddon();
  } catch (error) {
    if (error instanceof FinetagError) throw error;
    const said = error instanceof Error ? error.message : String(error);
    throw new FinetagError("ERR_FINETAG_ADDON", said, { cause: error });
  }
}
