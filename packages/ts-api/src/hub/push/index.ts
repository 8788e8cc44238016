export { type PlannedFile, type PlanOptions, type PushPlan, planPush } from "./plan.ts";
export { type PushedModel, type PushOptions, type PushProgress, pushModel } from "./push.ts";
