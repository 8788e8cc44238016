export type { Archive } from "./archive.ts";
export { expandHome, finetagCacheDirectory } from "./cache.ts";
export { MaskedCrc32c, maskedCrc32c } from "./checksum.ts";
export { recoverDirectory, writeDirectoryAtomic } from "./directory.ts";
export { ioError, isNotFound } from "./errors.ts";
export {
  type AtomicFileOptions,
  checkFolderWritable,
  checkWritable,
  withAtomicFile,
  writeAll,
  writeFileAtomic,
} from "./file.ts";
export {
  CONFIG,
  isGoogleConfig,
  OLDER_TOKENIZER_FILES,
  PYTORCH,
  SAFETENSORS,
  SENTENCEPIECE_FILES,
  TENSORFLOW_PART,
  WORDPIECE_FILES,
} from "./file-names.ts";
export { makeFolder } from "./folder.ts";
export { recoverFiles, writeFilesAtomic } from "./group.ts";
export { hashFile, sha256File } from "./hash.ts";
export { checkNotLocked, lockDirectory, withLock } from "./lock.ts";
export { openToRead } from "./open.ts";
export type { OutputHandle } from "./output/index.ts";
export {
  decodeUtf8,
  isLfsPointer,
  LFS_POINTER,
  listNames,
  readJsonFile,
  readJsonFileIfAny,
  readSmallFile,
} from "./read.ts";
export { syncFile } from "./sync.ts";
export { removeLeftovers } from "./temporary.ts";
