-- The sample of the KMC database: a client portfolio and office space. All names are made up.

DROP VIEW IF EXISTS vw_ClientCountPerService;
DROP TABLE IF EXISTS contracts;
DROP TABLE IF EXISTS clients;
DROP TABLE IF EXISTS services;
DROP TABLE IF EXISTS offices;

CREATE TABLE services (
    Id INTEGER PRIMARY KEY,
    Name TEXT NOT NULL UNIQUE,
    -- Every so-manieth client has it, counted from the offset; only so are the contracts below made.
    Every INTEGER NOT NULL,
    Offset INTEGER NOT NULL
);

INSERT INTO services VALUES
    (1, 'Private Offices', 2, 0),
    (2, 'Staff Leasing', 3, 1),
    (3, 'Coworking Memberships', 4, 2),
    (4, 'Payroll and HR Administration', 5, 0),
    (5, 'Recruitment', 6, 3),
    (6, 'Enterprise Floors', 7, 1),
    (7, 'IT and Network Support', 8, 5),
    (8, 'Employer of Record', 9, 4),
    (9, 'Virtual Offices', 11, 6),
    (10, 'Fit-out and Design', 13, 2);

CREATE TABLE clients (
    Id INTEGER PRIMARY KEY,
    Name TEXT NOT NULL UNIQUE,
    Industry TEXT NOT NULL,
    IsActive INTEGER NOT NULL
);

-- Each of the twenty names with each of the six fields; one client in eleven has left.
WITH
    names(Number, Name) AS (VALUES
        (0, 'Alon'), (1, 'Bayani'), (2, 'Calder'), (3, 'Dalisay'), (4, 'Eastbridge'), (5, 'Ferrow'), (6, 'Ginto'), (7, 'Halden'), (8, 'Isla'), (9, 'Juniper'),
        (10, 'Kestrel'), (11, 'Lakan'), (12, 'Maharlika'), (13, 'Northgate'), (14, 'Orion Peak'), (15, 'Perlas'), (16, 'Quill'), (17, 'Ridgeway'),
        (18, 'Silangan'), (19, 'Tala')),
    fields(Number, Suffix, Industry) AS (VALUES
        (0, 'Software', 'Technology'), (1, 'Health', 'Healthcare'), (2, 'Finance', 'Financial services'), (3, 'Logistics', 'Logistics'),
        (4, 'Studios', 'Media'), (5, 'Energy', 'Energy'))
INSERT INTO clients
SELECT fields.Number * 20 + names.Number + 1, names.Name || ' ' || fields.Suffix, fields.Industry, (fields.Number * 20 + names.Number) % 11 <> 7
FROM names CROSS JOIN fields;

CREATE TABLE contracts (
    ClientId INTEGER NOT NULL REFERENCES clients,
    ServiceId INTEGER NOT NULL REFERENCES services,
    PRIMARY KEY (ClientId, ServiceId)
);

INSERT INTO contracts
SELECT clients.Id, services.Id FROM clients JOIN services ON (clients.Id + services.Offset) % services.Every = 0;

CREATE VIEW vw_ClientCountPerService AS
SELECT services.Name AS ServiceName, COUNT(*) AS ClientCount
FROM services JOIN contracts ON contracts.ServiceId = services.Id JOIN clients ON clients.Id = contracts.ClientId
WHERE clients.IsActive
GROUP BY services.Name;

CREATE TABLE offices (
    OfficeName TEXT PRIMARY KEY,
    Building TEXT NOT NULL,
    District TEXT NOT NULL COLLATE NOCASE,
    City TEXT NOT NULL COLLATE NOCASE,
    Capacity INTEGER NOT NULL,
    MonthlyPesos INTEGER NOT NULL,
    IsAvailable INTEGER NOT NULL
);

INSERT INTO offices VALUES
    ('Ayala Suite 12A', 'Ayala Point', 'Ayala', 'Makati', 8, 96000, 1),
    ('Ayala Suite 12B', 'Ayala Point', 'Ayala', 'Makati', 14, 161000, 1),
    ('Ayala Floor 15', 'Ayala Point', 'Ayala', 'Makati', 60, 648000, 1),
    ('Ayala Floor 16', 'Ayala Point', 'Ayala', 'Makati', 60, 648000, 0),
    ('Salcedo Loft', 'Leviste House', 'Salcedo', 'Makati', 24, 264000, 1),
    ('Legazpi Corner', 'Rada Court', 'Legazpi', 'Makati', 6, 69000, 1),
    ('High Street 9C', 'Seventh Tower', 'BGC', 'Taguig', 10, 125000, 1),
    ('High Street 21', 'Seventh Tower', 'BGC', 'Taguig', 85, 977500, 1),
    ('McKinley Garden', 'Upper West', 'McKinley', 'Taguig', 32, 352000, 1),
    ('Uptown Studio', 'Uptown Parade', 'BGC', 'Taguig', 18, 216000, 0),
    ('Eastwood 5F', 'Cyber Two', 'Eastwood', 'Quezon City', 40, 380000, 1),
    ('Vertis 11', 'Vertis Gate', 'Vertis North', 'Quezon City', 22, 220000, 1),
    ('Araneta Hub', 'Gateway Three', 'Cubao', 'Quezon City', 12, 108000, 1),
    ('Emerald 8', 'Emerald Row', 'Ortigas', 'Pasig', 16, 160000, 1),
    ('Emerald 19', 'Emerald Row', 'Ortigas', 'Pasig', 50, 475000, 1),
    ('Shaw 6', 'Central Shaw', 'Shaw', 'Mandaluyong', 20, 190000, 1),
    ('Filinvest 3', 'Northgate One', 'Alabang', 'Muntinlupa', 28, 252000, 1),
    ('Filinvest 10', 'Northgate One', 'Alabang', 'Muntinlupa', 75, 637500, 0),
    ('IT Park 7', 'Skyrise Visayas', 'IT Park', 'Cebu', 20, 170000, 1),
    ('IT Park 14', 'Skyrise Visayas', 'IT Park', 'Cebu', 48, 398400, 1),
    ('Ayala Center Cebu 4', 'Luz Tower', 'Business Park', 'Cebu', 9, 81000, 1),
    ('Mactan Bay', 'Airport Link', 'Mactan', 'Lapu-Lapu', 30, 225000, 1),
    ('Lanang 2', 'Gulf View', 'Lanang', 'Davao', 26, 195000, 1),
    ('Bajada 5', 'Aeon Court', 'Bajada', 'Davao', 12, 93600, 1),
    ('Clark Green 1', 'Aviation House', 'Clark', 'Angeles', 55, 385000, 1),
    ('Clark Green 2', 'Aviation House', 'Clark', 'Angeles', 15, 108000, 1),
    ('Mandurriao 3', 'Atria Walk', 'Mandurriao', 'Iloilo', 18, 126000, 1),
    ('Lacson 6', 'Capitol View', 'Capitol', 'Bacolod', 10, 68000, 1);
