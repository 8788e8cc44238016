export { createFormat, OUTPUT_FORMATS, outputFormat, type PredictionFormat } from "./formats.ts";
export { fileInputs, lineInputs, wordInputs } from "./inputs.ts";
export { runPrompt } from "./prompt.ts";
export { type Write, writerTo, writeToFile } from "./sinks.ts";
