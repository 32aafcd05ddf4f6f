/**
 * What a hop shows beside what became of the packet: explanation codes of VPC Reachability Analyzer that are
 * no end of a packet, but often the reason why it took a way that ended badly.
 */
export const NOTES = {
  MORE_SPECIFIC_ROUTE: {
    meaning: 'Another route of the table matches too, and lost to a more specific one.',
    hint: 'Delete the more specific route, or point it at the same target.',
  },
  HIGHER_PRIORITY_ROUTE: {
    meaning:
      'Another route of the table matches too, and lost by its kind: local, static, prefix list, propagated.',
    hint: 'Delete the route that won, or point it at the same target.',
  },
  SG_REFERENCES_NOT_PRESERVED: {
    meaning:
      'A rule names the security group of the sender, which is lost where something forwards in between.',
    hint: 'Let the rule name the CIDR block of the sender.',
  },
  TGW_ATTACH_VPC_AZ_RESTRICTION: {
    meaning: 'Without appliance mode the transit gateway keeps the packet in the zone that it came from.',
    hint: 'Turn appliance mode on for the attachment of the VPC with the appliances.',
  },
  TGW_RTB_MORE_SPECIFIC_ROUTE: {
    meaning: 'Another route of the transit gateway route table matches too, and lost to a more specific one.',
    hint: 'Delete the more specific route, or point it at the same attachment.',
  },
  TGW_RTB_HIGHER_PRIORITY_ROUTE: {
    meaning: 'A propagated route of the transit gateway route table has the same destination, and lost.',
    hint: 'Delete the route that won, or point it at the same attachment.',
  },
  TGW_RTB_CANNOT_ROUTE: {
    meaning:
      'A route leads to the attachment of the VPC with the destination, but does not match the address.',
    hint: 'Correct the destination of the route.',
  },
} as const satisfies Record<string, { readonly meaning: string; readonly hint: string }>;

export type NoteCode = keyof typeof NOTES;

export interface Note {
  readonly code: NoteCode;
  /** Ids of what it is about, the one to look at first first. */
  readonly objects: readonly string[];
  readonly text: string;
}
