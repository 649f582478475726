// The engine's events; the type lives in core because `report` renders it and may not import the engine.
export type { RunEvent } from "../core/model/event.ts";
