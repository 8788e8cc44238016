export { TensorBoardWriter, type TensorBoardWriterOptions } from "./tensorboard.ts";
