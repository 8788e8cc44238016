/** In the help of commands that read a model's directory. */
export function modelHelp(directory: string): string {
  return (
    `${directory} may hold safetensors, PyTorch's .bin (.pt, .pth, .ckpt) of any age, or a TensorFlow 1 or 2 ` +
    "checkpoint, with config.json or bert_config.json and the tokenizer's files."
  );
}
