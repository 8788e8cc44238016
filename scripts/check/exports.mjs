/** How knip is called (see knip.json): what is exported, and imported by no file of the product, is reported. */
export const UNUSED_EXPORTS = ["--production", "--include", "exports,types,files", "--no-progress"];
