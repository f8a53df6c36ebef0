import {
  Bell,
  Bot,
  ChartColumn,
  Gauge,
  type LucideIcon,
  PhoneCall,
  Server,
  Settings,
  Shapes,
} from "lucide-react";

export interface Place {
  to: string;
  name: string;
  icon: LucideIcon;
  /** The key that leads there after `g`. */
  letter: string;
}

/** The pages in the order in which a day asks for them. */
export const PLACES: Place[] = [
  { to: "/", name: "Overview", icon: Gauge, letter: "o" },
  { to: "/agents", name: "Agents", icon: Bot, letter: "a" },
  { to: "/agent-types", name: "Agent types", icon: Shapes, letter: "t" },
  { to: "/calls", name: "Calls", icon: PhoneCall, letter: "c" },
  { to: "/usage", name: "Usage & costs", icon: ChartColumn, letter: "u" },
  { to: "/alerts", name: "Alerts", icon: Bell, letter: "l" },
  { to: "/system", name: "System", icon: Server, letter: "y" },
  { to: "/settings", name: "Settings", icon: Settings, letter: "s" },
];
