export { TensorBoardObserver } from "./observer.ts";
