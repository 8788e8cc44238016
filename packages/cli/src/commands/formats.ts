/** For the help of commands that read a model directory. */
export function modelHelp(directory: string): string {
  return (
    `${directory} may contain safetensors, PyTorch weights (.bin, .pt, .pth or .ckpt, old or new), or a TensorFlow 1 or ` +
    "2 checkpoint, along with config.json or bert_config.json and the tokenizer's files."
  );
}
