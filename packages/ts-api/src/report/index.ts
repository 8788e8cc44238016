export { TensorBoardWriter } from "./tensorboard.ts";
