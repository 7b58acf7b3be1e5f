import { area } from ".";
import { en } from "./en/common";
import { zh } from "./zh/common";

export const common = area(en, zh);
