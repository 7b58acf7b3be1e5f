import { area } from ".";
import { en } from "./en/project-settings";
import { zh } from "./zh/project-settings";

export const projectTexts = area(en, zh);
