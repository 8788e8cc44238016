/** Tables in binary formats, each read by its library. */
export { arrowSource, isArrow } from "./arrow.ts";
export { parquetSource } from "./parquet.ts";
export { workbookSource } from "./workbook.ts";
