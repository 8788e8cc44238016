import { countElements } from "./tensors.ts";

/** Where the elements of a tensor lie: `stride[i]` elements from one index of dimension i to the next. */
export interface Layout {
  shape: readonly number[];
  stride: readonly number[];
}

/** True where the elements lie row by row without holes. A dimension of one element may have any stride. */
export function isContiguous({ shape, stride }: Layout): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && stride[i] !== expected) return false;
    expected *= shape[i]!;
  }
  return true;
}

/** Elements from the first to the last one, both included; 0 for a tensor without elements. */
export function spanOf({ shape, stride }: Layout): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((span, size, i) => span + (size - 1) * stride[i]!, 1);
}

/**
 * Copies a tensor into row-major order.
 *
 * @param bytes From the first element on, at the start of their own buffer; at least {@link spanOf} elements.
 * @param itemBytes 1, 2, 4 or 8.
 */
export function toRowMajor(bytes: Uint8Array, itemBytes: number, layout: Layout): Uint8Array {
  const to = new Uint8Array(itemBytes * countElements(layout.shape));
  if (to.length > 0) copyRowMajor(itemsOf(bytes, itemBytes), itemsOf(to, itemBytes), padded(layout));
  return to;
}

/**
 * Copies some rows of a matrix into their columns of its transpose.
 *
 * @param to The transpose: `columns` rows of `rows` elements each.
 * @param part From row `first` on, at the start of its own buffer.
 */
export function putTransposed(
  to: Uint8Array,
  itemBytes: number,
  part: Uint8Array,
  { first, rows, columns }: { first: number; rows: number; columns: number },
): void {
  const from = itemsOf(part, itemBytes);
  const shape = [columns, from.length / columns];
  copyMatrix(from, 0, itemsOf(to, itemBytes), first, { shape, stride: [1, columns] }, rows);
}

/** @param bytes At the start of their own buffer. */
function itemsOf(bytes: Uint8Array, itemBytes: number): Items {
  const view = VIEWS[itemBytes];
  if (view === undefined) throw new Error(`elements of ${itemBytes} bytes cannot be reordered`);
  return new view(bytes.buffer, 0, bytes.byteLength / itemBytes);
}

/** Integers, so that no bits of a NaN are lost. */
const VIEWS: Record<number, new (from: number | ArrayBufferLike, begin?: number, length?: number) => Items> =
  { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array as never };

type Items = Uint8Array | Uint16Array | Uint32Array;

/** With at least two dimensions. */
function padded({ shape, stride }: Layout): Layout {
  const missing = Math.max(0, 2 - shape.length);
  return {
    shape: [...Array<number>(missing).fill(1), ...shape],
    stride: [...Array<number>(missing).fill(0), ...stride],
  };
}

function copyRowMajor(from: Items, to: Items, { shape, stride }: Layout): void {
  const outer = shape.length - 2;
  const matrix = shape[outer]! * shape[outer + 1]!;
  const index = new Array<number>(outer).fill(0);
  for (let target = 0; target < to.length; target += matrix) {
    const begin = index.reduce((sum, at, i) => sum + at * stride[i]!, 0);
    const inner = { shape: shape.slice(outer), stride: stride.slice(outer) };
    copyMatrix(from, begin, to, target, inner, shape[outer + 1]!);
    for (let i = outer - 1; i >= 0; i--) {
      index[i]!++;
      if (index[i]! < shape[i]!) break;
      index[i] = 0;
    }
  }
}

/**
 * Of a transposed matrix, a tile is TILE_COLUMNS runs of the source and as much of each row as a line of the cache holds.
 * Measured as the best of many for the sizes of models, whose rows are often a power of two.
 */
const TILE_ROWS = 64;
const TILE_COLUMNS = 16;

/** @param targetStride Elements from one row to the next in `to`. */
function copyMatrix(
  from: Items,
  begin: number,
  to: Items,
  target: number,
  { shape, stride }: Layout,
  targetStride: number,
): void {
  const [rows, columns] = shape as [number, number];
  const [rowStride, columnStride] = stride as [number, number];
  for (let top = 0; top < rows; top += TILE_ROWS) {
    const bottom = Math.min(top + TILE_ROWS, rows);
    for (let left = 0; left < columns; left += TILE_COLUMNS) {
      const right = Math.min(left + TILE_COLUMNS, columns);
      for (let row = top; row < bottom; row++) {
        let source = begin + row * rowStride + left * columnStride;
        const end = target + row * targetStride + right;
        for (let at = target + row * targetStride + left; at < end; at++) {
          to[at] = from[source]!;
          source += columnStride;
        }
      }
    }
  }
}
