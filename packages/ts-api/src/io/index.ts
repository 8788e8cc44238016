export { expandHome, finetagCacheDirectory } from "./cache.ts";
export { MaskedCrc32c, maskedCrc32c } from "./checksum.ts";
export { recoverDirectory, writeDirectoryAtomic } from "./directory.ts";
export { ioError, isNotFound, isSystemError } from "./errors.ts";
export { withAtomicFile, writeAll, writeFileAtomic } from "./file.ts";
export { type GroupFile, recoverFiles, writeFilesAtomic } from "./group.ts";
export { decodeUtf8, listNames, readJsonFile, readSmallFile } from "./read.ts";
export { syncFolder } from "./sync.ts";
export { removeLeftovers } from "./temporary.ts";
