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
}

/** The pages in the order in which a day asks for them. */
export const PLACES: Place[] = [
  { to: "/", name: "Overview", icon: Gauge },
  { to: "/agents", name: "Agents", icon: Bot },
  { to: "/agent-types", name: "Agent types", icon: Shapes },
  { to: "/calls", name: "Calls", icon: PhoneCall },
  { to: "/usage", name: "Usage & costs", icon: ChartColumn },
  { to: "/alerts", name: "Alerts", icon: Bell },
  { to: "/system", name: "System", icon: Server },
  { to: "/settings", name: "Settings", icon: Settings },
];
