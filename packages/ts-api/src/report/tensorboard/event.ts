import protobuf from "protobufjs/light.js";

/**
 * The part of TensorFlow's `event.proto` and `summary.proto` that scalars and texts need, with the field
 * numbers of tensorflow/core/util/event.proto and tensorflow/core/framework/{summary,tensor}.proto.
 */
const root = protobuf.Root.fromJSON({
  nested: {
    Event: {
      oneofs: { what: { oneof: ["fileVersion", "summary", "sessionLog"] } },
      fields: {
        wallTime: { type: "double", id: 1 },
        step: { type: "int64", id: 2 },
        fileVersion: { type: "string", id: 3 },
        summary: { type: "Summary", id: 5 },
        sessionLog: { type: "SessionLog", id: 7 },
      },
    },
    SessionLog: { fields: { status: { type: "int32", id: 1 } } },
    Summary: {
      fields: { value: { rule: "repeated", type: "Value", id: 1 } },
      nested: {
        Value: {
          oneofs: { value: { oneof: ["simpleValue", "tensor"] } },
          fields: {
            tag: { type: "string", id: 1 },
            simpleValue: { type: "float", id: 2 },
            tensor: { type: "Tensor", id: 8 },
            metadata: { type: "Metadata", id: 9 },
          },
        },
      },
    },
    Metadata: { fields: { pluginData: { type: "PluginData", id: 1 }, dataClass: { type: "int32", id: 4 } } },
    PluginData: { fields: { pluginName: { type: "string", id: 1 } } },
    Tensor: {
      fields: {
        dtype: { type: "int32", id: 1 },
        shape: { type: "Shape", id: 2 },
        stringValue: { rule: "repeated", type: "bytes", id: 8 },
      },
    },
    Shape: {
      fields: { dim: { rule: "repeated", type: "Dimension", id: 2 } },
      nested: { Dimension: { fields: { size: { type: "int64", id: 1 } } } },
    },
  },
});

const eventType = root.lookupType("Event");

/** `SessionLog.START`: TensorBoard then drops earlier data of this step and later ones. */
export const SESSION_START = 1;

export interface EventMessage {
  /** Seconds since the epoch. */
  wallTime: number;
  step?: number;
  fileVersion?: string;
  sessionLog?: { status: number };
  summary?: { value: SummaryValue[] };
}

export interface SummaryValue {
  tag: string;
  simpleValue?: number;
  tensor?: { dtype: number; shape: { dim: { size: number }[] }; stringValue: Uint8Array[] };
  metadata?: { pluginData: { pluginName: string }; dataClass: number };
}

/** A text value for TensorBoard's text plugin: a tensor of one string. */
export function textValue(tag: string, text: string): SummaryValue {
  const DT_STRING = 7;
  const DATA_CLASS_TENSOR = 2;
  return {
    tag,
    tensor: {
      dtype: DT_STRING,
      shape: { dim: [{ size: 1 }] },
      stringValue: [new TextEncoder().encode(text)],
    },
    metadata: { pluginData: { pluginName: "text" }, dataClass: DATA_CLASS_TENSOR },
  };
}

/** An event in protobuf's wire format. */
export function encodeEvent(event: EventMessage): Uint8Array {
  return eventType.encode(eventType.fromObject(event)).finish();
}
