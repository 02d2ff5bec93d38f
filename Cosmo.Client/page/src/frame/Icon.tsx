/** Drawn for this page, 24 by 24. */
const paths = {
  allow: "m5 13 4 4L19 7",
  again: "M20 11a8 8 0 1 0-2.3 6M20 5v6h-6",
  check: "m5 13 4 4L19 7",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h10v10H9zM5 15V5h10",
  down: "M12 5v14m-6-6 6 6 6-6",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  menu: "M4 7h16M4 12h16M4 17h10",
  new: "M12 5v14M5 12h14",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  send: "M12 19V5m-6 6 6-6 6 6",
  stop: "M7 7h10v10H7z",
  thumbDown: "M8 4v10l4 6c1.5 0 2-1 2-2v-4h4.5c1 0 1.700-.8 1.500-1.800l-1.200-6.500C18.600 4.700 17.900 4 17 4H8ZM8 4H5v10h3",
  thumbUp: "M8 20V10l4-6c1.500 0 2 1 2 2v4h4.500c1 0 1.700.8 1.500 1.800l-1.200 6.500c-.2 1-.9 1.700-1.800 1.700H8ZM8 20H5V10h3",
  tool: "M14.500 6.500a4 4 0 0 0-5.200 5.200L4 17l3 3 5.300-5.300a4 4 0 0 0 5.200-5.200L15 12l-3-3z",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" data-filled={name === "stop" ? "" : undefined}>
      <path d={paths[name]} fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
