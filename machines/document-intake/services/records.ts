/** Who the customers are, and who looks after them. Made up, and fixed. */

export interface ManagerRecord {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  /** Has left: the mail address takes nothing any more. */
  readonly left?: true;
}

export interface CustomerRecord {
  readonly number: string;
  readonly name: string;
  readonly city: string;
  readonly email: string;
  readonly contacts: readonly string[];
  readonly contracts: ReadonlyArray<{
    readonly number: string;
    readonly product: string;
    readonly cancelledOn?: string;
  }>;
  readonly manager: string;
}

export const managers: readonly ManagerRecord[] = [
  { id: 'm-1', name: 'Miriam Vogel', email: 'miriam.vogel@signal.example' },
  { id: 'm-2', name: 'Tomás Herrera', email: 'tomas.herrera@signal.example' },
  { id: 'm-3', name: 'Joan Whitlock', email: 'joan.whitlock@signal.example', left: true },
];

export const customers: readonly CustomerRecord[] = [
  {
    number: 'C-1001',
    name: 'Müller-Lüdenscheidt GmbH',
    city: 'Köln',
    email: 'einkauf@mueller-luedenscheidt.example',
    contacts: ['Anna-Lena Schröder-Weiß'],
    contracts: [
      { number: 'K-20417', product: 'Weichenantrieb, Wartung' },
      { number: 'K-20418', product: 'Signalbeleuchtung' },
    ],
    manager: 'm-1',
  },
  {
    number: 'C-1002',
    name: 'Harrow & Pike Ltd',
    city: 'Leeds',
    email: 'accounts@harrowpike.example',
    contacts: ['Olive Harrow', "Sean O'Leary"],
    contracts: [{ number: 'K-30551', product: 'Track circuits' }],
    manager: 'm-2',
  },
  {
    number: 'C-1003',
    name: 'Établissements Lefèvre',
    city: 'Lyon',
    email: 'contact@lefevre.example',
    contacts: ['Zoé Lefèvre'],
    contracts: [{ number: 'K-41200', product: 'Passages à niveau' }],
    manager: 'm-2',
  },
  {
    number: 'C-1004',
    name: 'Nordbahn AS',
    city: 'Bergen',
    email: 'post@nordbahn.example',
    contacts: ['Ingrid Sæther'],
    contracts: [{ number: 'K-50010', product: 'Signal lamps', cancelledOn: '2026-01-31' }],
    manager: 'm-1',
  },
  // One customer that was put in twice.
  {
    number: 'C-1005',
    name: 'Brücke Logistik GmbH',
    city: 'Hamburg',
    email: 'info@bruecke.example',
    contacts: [],
    contracts: [{ number: 'K-60700', product: 'Rangierfunk' }],
    manager: 'm-1',
  },
  {
    number: 'C-1055',
    name: 'Brücke Logistik GmbH',
    city: 'Hamburg-Harburg',
    email: 'harburg@bruecke.example',
    contacts: [],
    contracts: [{ number: 'K-60700', product: 'Rangierfunk' }],
    manager: 'm-2',
  },
  {
    number: 'C-1006',
    name: 'Whitlock Freight',
    city: 'Crewe',
    email: 'office@whitlockfreight.example',
    contacts: ['Priya Nair'],
    contracts: [{ number: 'K-70003', product: 'Yard radio' }],
    manager: 'm-3',
  },
  {
    number: 'C-1007',
    name: 'Ferrovia del Sur S.A.',
    city: 'Sevilla',
    email: 'compras@ferroviadelsur.example',
    contacts: ['María José Núñez'],
    contracts: [{ number: 'K-81100', product: 'Balizas' }],
    manager: 'm-2',
  },
  {
    number: 'C-1008',
    name: '東海信号株式会社',
    city: '名古屋',
    email: 'info@tokai-signal.example',
    contacts: ['佐藤 花子'],
    contracts: [{ number: 'K-90020', product: '信号灯' }],
    manager: 'm-1',
  },
];
