/** Where output goes: a file, which appears as a whole, or a pipe or device, which is written straight into. */
export { checkDescriptor, Descriptor, type OutputHandle, openPipe } from "./descriptor.ts";
export { type Destination, findDestination } from "./destination.ts";
